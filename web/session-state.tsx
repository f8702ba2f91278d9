/** A session as pages show it: its state in words, with a colour that never says more than the words. */
import type { FC } from 'hono/jsx'
import type { SessionState, Stage } from '../functions/core/session.ts'

export type SessionView = {
  id: string
  version: number
  datasetId: string
  datasetTitle: string
  state: SessionState
  live: boolean
  stage: Stage | null
  /** Of the file fetched so far; null when nothing is being fetched. */
  percent: number | null
  createdAt: number
  readyAt: number | null
  memoryMiB: number
  vcpu: number
  /** ms from now; null unless ready. */
  sleepsInMs: number | null
  ending: {
    title: string
    remedy: string
    detail: string | null
    at: number
    failure: boolean
    outOfMemory: boolean
  } | null
}

const stageWords: Record<Stage, string> = {
  starting: 'Starting',
  downloading: 'Fetching the file',
  loading: 'Loading',
  opening: 'Opening',
}

export function stateWords({ state, stage, percent, ending }: SessionView): [words: string, look: string] {
  switch (state) {
    case 'queued':
      return ['In line', 'busy']
    case 'requested':
    case 'starting':
      return [stageWords[stage ?? 'starting'] + (percent === null ? '' : `, ${percent} %`), 'busy']
    case 'ready':
      return ['Running', 'good']
    case 'stopping':
      return ['Stopping', 'busy']
    case 'stopped':
      return ending?.failure ? ['Failed', 'bad'] : ['Asleep', '']
    case 'failed':
      return ['Failed', 'bad']
  }
}

export const StateBadge: FC<{ session: SessionView }> = ({ session }) => {
  const [words, look] = stateWords(session)
  return <span class={`badge ${look}`}>{words}</span>
}

/**
 * Which sessions, in which version, a page was made from; `islands/watch-sessions.js` compares it with the API's list, so
 * it names all of somebody's sessions in that order, shown or not.
 */
export function sessionsSeen(sessions: readonly { id: string; version: number }[]): string {
  return sessions.map((session) => `${session.id}:${session.version}`).join(' ')
}
