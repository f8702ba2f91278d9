/**
 * The names of the cells, as cellxgene answers them: a save carries none, and a file of labels without them is worth
 * little. Asked for once somebody makes labels, while a viewer is there to answer, and read only if they are ever needed.
 */
import { withOwn } from './attempt.ts'
import type { FetchDeps } from './fetch.ts'

export type CellNames = {
  /** An answer that cellxgene got; the schema says under which name the cells' names are kept. */
  answered(path: string, response: Response): void
  /** Somebody makes labels: have the names at hand. */
  fetch(): void
  get(): ArrayBuffer | null
}

export function createCellNames(deps: Pick<FetchDeps, 'config' | 'env' | 'link'>): CellNames {
  const { config, env, link } = deps
  let column: string | null = null
  let names: ArrayBuffer | null = null
  let asking = false

  async function ask(route: string, name: string): Promise<void> {
    asking = true
    try {
      const headers = withOwn(new Headers({ accept: 'application/octet-stream' }), config)
      const address = `${route}api/v0.2/annotations/obs?annotation-name=${encodeURIComponent(name)}`
      const response = await env.fetch(address, { headers, credentials: 'same-origin' })
      if (response.status === 200) names = await response.arrayBuffer()
    } catch {
      // The next save asks again.
    } finally {
      asking = false
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
      if (names === null && !asking && column !== null && status?.state === 'ready' && status.route)
        void ask(status.route, column)
    },
    get: () => names,
  }
}
