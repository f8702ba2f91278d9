/**
 * Is somebody there? cellxgene lassoes, filters and recolours in the browser and sends nothing meanwhile, so the page itself
 * must say that it is used; and a forgotten tab must neither keep a viewer alive nor start one.
 */

/** How long after the last movement somebody still counts as there, ms. */
const hereMs = 5 * 60_000

export type Activity = {
  /** Pointer, key, wheel or touch, in this tab. */
  used(): void
  /** May the page start a viewer by itself? */
  here(): boolean
}

export function createActivity(deps: {
  now(): number
  visible(): boolean
  /** Told at most once per `everyMs`; false: nobody heard it, so the next movement tells it again. */
  report(): Promise<boolean>
  everyMs: number
  /** Somebody is back after having been away. */
  back(): void
}): Activity {
  // Opening a page in a tab in view is a use; a tab restored in the background is none.
  let last = deps.visible() ? deps.now() : -Infinity
  let told = -Infinity
  const here = () => deps.visible() && deps.now() - last < hereMs
  return {
    here,
    used() {
      if (!deps.visible()) return
      const away = !here()
      const now = deps.now()
      last = now
      if (away) deps.back()
      if (now - told < deps.everyMs) return
      told = now
      void deps.report().then((heard) => {
        if (!heard && told === now) told = -Infinity
      })
    },
  }
}

/** About one report per 20 s; more often only where viewers sleep within a minute or so. */
export const reportEveryMs = (idleMs: number): number => Math.min(20_000, idleMs / 4)
