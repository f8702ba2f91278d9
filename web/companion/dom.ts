/** Puts the words of `waiting.ts` and `bar.ts` on the page, touching only what has changed. */
import type { BarView } from './bar-view.ts'
import type { Action, Button } from './model.ts'
import type { WaitingView } from './waiting.ts'

export type Screen = {
  waiting(view: WaitingView): void
  bar(view: BarView | null): void
  /** cellxgene has drawn: the waiting view is not needed any more. */
  leaveWaiting(): void
}

export function createScreen(act: (action: Action) => void): Screen {
  const wait = element(document, '#cxod-wait')
  const bar = element(document, '#cxod-bar')
  const aloud = { status: element(document, '#cxod-say'), alert: element(document, '#cxod-alert') }
  const root = document.getElementById('root')
  let lastBar = ''
  let lastWait = ''
  // What is behind the waiting view must not be reached by keyboard or read out. The root comes later in the page.
  document.addEventListener('DOMContentLoaded', () => {
    if (document.contains(wait)) element(document, '#root').inert = true
  })
  if (root) root.inert = true

  /** Where the keyboard was before it came to the bar. */
  let cameFrom: EventTarget | null = null
  bar.addEventListener('focusin', ({ relatedTarget }) => {
    if (relatedTarget instanceof Node && !bar.contains(relatedTarget)) cameFrom = relatedTarget
  })
  let shown: BarView | null = null
  bar.addEventListener('keydown', ({ key }) => {
    const back = shown?.buttons.find((button) => 'action' in button && button.action.do === 'back')
    if (key === 'Escape' && back !== undefined && 'action' in back) act(back.action)
  })

  return {
    waiting(view) {
      const now = JSON.stringify(view)
      if (now === lastWait) return
      lastWait = now
      text(wait, 'heading', view.heading)
      const words = text(wait, 'text', view.text)
      words.classList.toggle('cxod-problem', view.problem)
      const progress = part(wait, 'progress') as HTMLProgressElement
      progress.hidden = view.progress === null
      if (typeof view.progress === 'number') progress.value = view.progress
      else progress.removeAttribute('value')
      part(wait, 'stages').hidden = view.stage === null
      ;[...part(wait, 'stages').children].forEach((item, at) => {
        item.classList.toggle('cxod-done', view.stage !== null && at < view.stage)
        if (at === view.stage) item.setAttribute('aria-current', 'step')
        else item.removeAttribute('aria-current')
      })
      buttons(wait, view.buttons, act)
    },
    bar(view) {
      const now = JSON.stringify(view && { ...view, ticking: '' })
      if (view !== null) text(bar, 'ticking', view.ticking)
      if (now === lastBar) return
      lastBar = now
      shown = view
      const focused = bar.contains(document.activeElement)
      bar.hidden = view === null
      bar.classList.toggle('cxod-warn', view?.warn ?? false)
      text(bar, 'text', view?.text ?? '')
      // Read out from places that are always there: what appears together with its words is often passed over.
      aloud.status.textContent = view !== null && !view.warn ? view.text : ''
      aloud.alert.textContent = view?.warn ? view.text : ''
      buttons(bar, view?.buttons ?? [], act)
      if (view === null && focused && cameFrom instanceof HTMLElement && cameFrom.isConnected) cameFrom.focus()
    },
    leaveWaiting() {
      element(document, '#root').inert = false
      wait.classList.add('cxod-leaving')
      // The transition's end never comes where motion is reduced or the tab is hidden.
      setTimeout(() => wait.remove(), 300)
    },
  }
}

function buttons(parent: HTMLElement, wanted: Button[], act: (action: Action) => void): void {
  const place = part(parent, 'buttons')
  const focused = place.contains(document.activeElement)
  place.replaceChildren(
    ...wanted.map((wish) => {
      const button = 'href' in wish ? linkTo(wish.href, wish.download ?? false) : document.createElement('button')
      button.textContent = wish.label
      if (wish.primary) button.classList.add('cxod-primary')
      if (button instanceof HTMLButtonElement) button.type = 'button'
      if ('action' in wish) button.addEventListener('click', () => act(wish.action))
      return button
    }),
  )
  // Whoever was on a button that is replaced must not be thrown back to the top of the page.
  if (focused) place.querySelector<HTMLElement>('button, a')?.focus()
}

function linkTo(href: string, download: boolean): HTMLAnchorElement {
  const link = document.createElement('a')
  link.className = 'cxod-button'
  link.href = href
  // Another page opens beside this one, whose work may not be saved.
  if (download) link.download = ''
  else link.target = '_blank'
  link.rel = 'noopener'
  return link
}

function text(parent: HTMLElement, name: string, value: string): HTMLElement {
  const place = part(parent, name)
  if (place.textContent !== value) place.textContent = value
  return place
}

const part = (parent: HTMLElement, name: string): HTMLElement => element(parent, `[data-cxod="${name}"]`)

function element(parent: ParentNode, selector: string): HTMLElement {
  const found = parent.querySelector<HTMLElement>(selector)
  if (found === null) throw new Error(`The page has no ${selector}`)
  return found
}
