/**
 * The names of the cells, as cellxgene answers them: a save carries none, and a file of labels without them is worth
 * little. Asked for while a viewer is there to answer (when they are needed it is not), and read only if they ever are.
 */
import { withOwn } from './attempt.ts'
import type { FetchDeps } from './fetch.ts'
import type { Link } from './status.ts'

/** A viewer that does not give them now (it may be dying) may do so soon; one that never does is asked ever less, ms. */
const [soonMs, againMs] = [2_000, 60_000]

export type CellNames = {
  /** An answer that cellxgene got; the schema says under which name the cells' names are kept. */
  answered(path: string, response: Response): void
  /** To be called now and then: has the names at hand as soon as a viewer can give them. */
  fetch(): void
  get(): ArrayBuffer | null
}

export function createCellNames(deps: Pick<FetchDeps, 'config' | 'env'> & { link: Pick<Link, 'status'> }): CellNames {
  const { config, env, link } = deps
  let column: string | null = null
  let names: ArrayBuffer | null = null
  let nextAt = 0
  let pauseMs = soonMs

  async function ask(route: string, name: string): Promise<void> {
    nextAt = env.now() + pauseMs
    pauseMs = Math.min(againMs, 2 * pauseMs)
    try {
      const headers = withOwn(new Headers({ accept: 'application/octet-stream' }), config)
      const address = `${route}api/v0.2/annotations/obs?annotation-name=${encodeURIComponent(name)}`
      const response = await env.fetch(address, { headers, credentials: 'same-origin' })
      if (response.status === 200) names = await response.arrayBuffer()
    } catch {
      // Asked again later.
    }
  }

  return {
    answered(path, response) {
      if (path !== 'schema' || column !== null) return
      void response
        .clone()
        .json()
        .then((body: { schema?: { annotations?: { obs?: { index?: unknown } } } }) => {
          const index = body.schema?.annotations?.obs?.index
          if (typeof index === 'string') column = index
        })
        .catch(() => undefined)
    },
    fetch() {
      const status = link.status()
      if (names === null && column !== null && env.now() >= nextAt && status?.state === 'ready' && status.route)
        void ask(status.route, column)
    },
    get: () => names,
  }
}
