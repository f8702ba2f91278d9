/** What the quiet bar shows at one moment. */
import type { Button } from './model.ts'

export type BarView = {
  /** Read out when it changes, so nothing that ticks stands in it. */
  text: string
  ticking: string
  /** Read out at once, even over something else. */
  warn: boolean
  buttons: Button[]
}

export const say = (text: string, buttons: Button[] = [], warn = false, ticking = ''): BarView => ({
  text: text.trim(),
  buttons,
  warn,
  ticking,
})
