/** Is the viewer still there? Decides between "told to end" and "its viewer died", which the page words differently. */
import type { Address } from './config.ts'
import type { Leaving } from './leaving.ts'
import { viewerListens, type Watch, watchViewer } from './watch-viewer.ts'

export type ViewerLife = {
  /** The viewer listens: from now on its end is noticed. */
  watch(): void
  /** A connection of the viewer broke, which alone does not prove a death. */
  look(): Promise<void>
  /** SIGTERM: from whoever ends the task, or from the task runner because the viewer has died. */
  terminate(): Promise<void>
  stop(): void
}

const ended = 'The viewer’s process ended.'

export function createViewerLife(viewer: Address, leaving: Leaving): ViewerLife {
  let watch: Watch | null = null
  let looking: Promise<void> | null = null

  async function lookOnce(): Promise<void> {
    if (watch !== null && !(await viewerListens(viewer))) leaving.leave('viewer-lost', ended)
  }

  return {
    watch() {
      watch = watchViewer(viewer, () => leaving.leave('viewer-lost', ended))
    },
    look() {
      looking ??= lookOnce().finally(() => {
        looking = null
      })
      return looking
    },
    async terminate() {
      await lookOnce()
      leaving.leave('told', null)
    },
    stop: () => watch?.stop(),
  }
}
