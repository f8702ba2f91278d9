/** The companion's calls to the lobby, and what their failures mean. */
import type { LobbyStatus } from '../../functions/api/contract/lobby.ts'
import type { PageConfig } from './config.ts'
import { type Env, ownHeaders, type Problem, readProblem } from './env.ts'

/** Why nothing can go on, whatever the viewer does. */
export type Trouble = Problem & {
  kind: 'offline' | 'signed-out' | 'owner-changed' | 'dataset-changed' | 'link-over' | 'refused'
}

const longPollSeconds = 25
/** A call that has no answer by then has none to come, ms. */
export const askTimeoutMs = 40_000

export const offline: Trouble = {
  kind: 'offline',
  code: 'offline',
  title: 'No connection',
  detail: 'Trying again by itself.',
}

export const datasetChanged: Trouble = {
  kind: 'dataset-changed',
  code: 'dataset-changed',
  title: 'The dataset has changed',
  detail: 'Its file was replaced since this page was opened.',
}

export function createCalls(config: PageConfig, env: Env) {
  const headers = ownHeaders(config)
  return {
    /** @param seen wait until the status is another than this; null: answer at once */
    status(seen: string | null, signal: AbortSignal): Promise<Response> {
      const query = seen === null ? '' : `?wait=${longPollSeconds}&seen=${encodeURIComponent(seen)}`
      return env.fetch(`${config.home}-/status${query}`, { headers, credentials: 'same-origin', signal })
    },
    /** Null when there is no connection. */
    async post(call: 'wake' | 'keep' | 'stop', body: object): Promise<Response | null> {
      try {
        return await env.fetch(`${config.home}-/${call}`, {
          method: 'POST',
          headers: { ...headers, 'content-type': 'application/json' },
          body: JSON.stringify(body),
          credentials: 'same-origin',
          signal: AbortSignal.timeout(askTimeoutMs),
        })
      } catch {
        return null
      }
    },
  }
}

/** Null for what passes by itself: a server's own trouble. */
export async function troubleOf(response: Response): Promise<Trouble | null> {
  if (response.status >= 500) return null
  const { code, title, detail } = await readProblem(response)
  if (response.status === 401) return { kind: 'signed-out', code, title, detail }
  const named = ['owner-changed', 'dataset-changed', 'link-over'] as const
  return { kind: named.find((kind) => kind === code) ?? 'refused', code, title, detail }
}

/** Enough of a check that a proxy's cheerful 200 is not taken for a status. */
export function readStatus(value: unknown): LobbyStatus {
  const status = value as LobbyStatus
  if (
    typeof status?.state !== 'string' ||
    typeof status.seen !== 'string' ||
    typeof status.dataset?.version !== 'string'
  )
    throw new Error('not a status')
  return status
}
