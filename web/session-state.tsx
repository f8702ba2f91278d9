/** A session as pages show it: its state in words, with a colour that never says more than the words. */
import type { FC } from 'hono/jsx'
import type { SessionState, Stage } from '../functions/core/session.ts'
import { ordinal } from './companion/words.ts'

export type SessionView = {
  id: string
  version: number
  datasetId: string
  datasetTitle: string
  state: SessionState
  live: boolean
  /** In line for a place, 1 is next; null unless queued. */
  position: number | null
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

function stateWords({ state, position, stage, percent, ending }: SessionView): [words: string, look: string] {
  switch (state) {
    case 'queued':
      return [position === null ? 'In line' : position === 1 ? 'Next in line' : `In line, ${ordinal(position)}`, 'busy']
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
 * Which sessions, in which version and place in line, a page was made from; `islands/watch-sessions.js` compares it with the API's list, so
 * it names all of somebody's sessions in that order, shown or not.
 */
export function sessionsSeen(sessions: readonly Pick<SessionView, 'id' | 'version' | 'position'>[]): string {
  return sessions.map(({ id, version, position }) => `${id}:${version}:${position ?? ''}`).join(' ')
}
