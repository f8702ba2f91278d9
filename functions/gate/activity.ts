/** When somebody last used the page. Only the companion's word counts: traffic alone would keep a forgotten tab alive, and cellxgene sends nothing while one lassoes. */
import type { Clock } from '../core/ports.ts'

export type Activity = {
  touch(): void
  /** ms since the last use; null: none since this gate started. */
  agoMs(): number | null
}

export function createActivity(clock: Clock): Activity {
  let last: number | null = null
  return {
    touch() {
      last = clock.now()
    },
    agoMs: () => (last === null ? null : Math.max(0, clock.now() - last)),
  }
}
