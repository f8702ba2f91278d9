/** Words for a viewer that was not started: why, and what can be done about it. Pure. */
import type { Problem } from './env.ts'
import { type Button, type Model, startButtons } from './model.ts'
import { isPassing } from './pace.ts'
import { memory } from './words.ts'

export function refusalWords({ status }: Model, refusal: Problem): { title: string; detail: string } {
  // What failed before says more than that it needs a click now.
  const { title, detail } = refusal.code === 'needs-click' && status?.problem ? status.problem : refusal
  const again = isPassing(refusal) ? ' It is tried again by itself while you look at this page.' : ''
  return { title, detail: `${detail}${again}` }
}

export function refusalButtons({ status, guest, appUrl }: Model, refusal: Problem): Button[] {
  const buttons = startButtons(status, memory)
  // Their own viewers are in the way: they can choose which one to stop.
  if (refusal.code === 'too-many-sessions' && !guest && refusal.scope !== 'all')
    return [{ label: 'My sessions', href: `${appUrl}sessions`, primary: true }, ...buttons.map(plain)]
  return buttons
}

const plain = (button: Button): Button => ({ ...button, primary: false })
