/** What a page is told about its viewer: pure, from the session's record, the dataset's and the time. */
import { createHash } from 'node:crypto'
import type { LobbyStatus } from '../api/contract/lobby.ts'
import { type Dataset, isUsable } from '../core/dataset.ts'
import { endsAt, sleepAt } from '../core/deadlines.ts'
import { endingWords } from '../core/ending-words.ts'
import type { Limits } from '../core/limits.ts'
import { modeOf, type Principal } from '../core/principal.ts'
import { type EndCause, isFailure, isLive, type Session } from '../core/session.ts'
import { nextLarger } from '../core/sizing.ts'

type Problem = NonNullable<LobbyStatus['problem']>

/** @param now ms since 1970; all that goes out are durations, so that the browser's clock does not matter */
export function lobbyStatus(
  who: Principal,
  dataset: Dataset,
  { session, queue, carried }: { session: Session | null } & Pick<LobbyStatus, 'queue' | 'carried'>,
  now: number,
  limits: Limits,
): LobbyStatus {
  const guest = who.kind === 'guest'
  const { state, problem } = stateOf(dataset, session, guest, now, limits)
  const ready = state === 'ready' ? session : null
  const starting = state === 'starting' ? session : null
  const steady = {
    state,
    owner: { id: who.id, name: who.name },
    guest,
    mode: modeOf(who),
    queue: state === 'queued' ? queue : null,
    carried,
    dataset: { id: dataset.id, title: dataset.title, version: dataset.version },
    sessionId: session?.id ?? null,
    stage: starting ? (starting.progress?.stage ?? 'starting') : null,
    doneBytes: starting?.progress?.doneBytes ?? 0,
    totalBytes: starting?.progress?.totalBytes ?? 0,
    route: ready?.routePath ?? null,
    problem,
  }
  return {
    ...steady,
    // Without what moves with every beat: a long poll waits for news, and a clock that ticks is none.
    seen: createHash('sha256').update(JSON.stringify(steady)).digest('base64url').slice(0, 16),
    sleepInMs: ready && Math.max(0, sleepAt(ready, limits) - now),
    endsInMs: ready && Math.max(0, endsAt(ready, limits) - now),
  }
}

function stateOf(
  dataset: Dataset,
  session: Session | null,
  guest: boolean,
  now: number,
  limits: Limits,
): { state: LobbyStatus['state']; problem: Problem | null } {
  if (session !== null && isLive(session)) {
    // A viewer of the file as it was is on its way out, whatever its record says yet.
    if (session.state === 'stopping' || session.datasetVersion !== dataset.version)
      return { state: 'stopping', problem: null }
    if (session.state === 'queued') return { state: 'queued', problem: refusal(session) }
    return { state: session.state === 'ready' ? 'ready' : 'starting', problem: null }
  }
  if (!isUsable(dataset)) return { state: 'unusable', problem: unusable(dataset, guest) }
  if (session === null || session.datasetVersion !== dataset.version) return { state: 'none', problem: null }
  const { ending } = session
  if (ending === null || !isFailure(ending)) return { state: 'asleep', problem: null }
  const problem = failure(session, ending.cause, ending.detail)
  // It would end the same way again: always a person's decision.
  if (ending.cause === 'out-of-memory' || ending.cause === 'load-failed') return { state: 'failed', problem }
  if (session.readyAt !== null) return { state: 'lost', problem }
  const fresh = now - ending.at < limits.failureWindowMs
  if (!fresh) return { state: 'asleep', problem: null }
  // Nothing was started, so no click is asked for: the page tries again by itself, seldom.
  if (ending.cause === 'not-started') return { state: 'lost', problem }
  return { state: session.failedStarts + 1 >= 2 || ending.cause === 'refused' ? 'failed' : 'lost', problem }
}

/** Its turn came, and the platform had no room: the line goes on, and the page says why. */
function refusal({ refusal: refused }: Session): Problem | null {
  if (refused === null) return null
  return { code: 'no-room', title: 'There was no room when your turn came', detail: refused.detail, largerMiB: null }
}

function unusable(dataset: Dataset, guest: boolean): Problem {
  const words = datasetWords(dataset, guest)
  // The page keeps what is not saved beside what is, when it knows that the file is gone for good.
  const code = dataset.state === 'removed' ? 'dataset-removed' : 'dataset-unusable'
  return { code, title: words.title, detail: words.text, largerMiB: null }
}

/** Why a dataset can't be opened now, for page and status alike. */
export function datasetWords(dataset: Dataset, guest: boolean): { title: string; text: string; passing: boolean } {
  switch (dataset.state) {
    case 'checking':
      return {
        title: 'The file is being checked',
        text: 'It was added or changed a moment ago. This takes seconds for most files, minutes for very large ones.',
        passing: true,
      }
    case 'copying':
      return {
        title: 'The file is not complete yet',
        text: 'It seems that somebody is still copying it. It can be opened as soon as it is complete.',
        passing: true,
      }
    case 'removed':
      return {
        title: 'The file was removed',
        text: `Its dataset can’t be opened any more. Your annotations are kept: download them ${guest ? 'from this page' : 'under “My annotations”'}.`,
        passing: false,
      }
    default: {
      const { cause, remedy } = dataset.problem ?? { cause: 'The file can’t be opened.', remedy: '' }
      return { title: 'This dataset can’t be opened', text: `${cause} ${remedy}`.trim(), passing: false }
    }
  }
}

function failure(session: Session, cause: EndCause, own: string | null): Problem {
  const { title, remedy, detail } = endingWords(cause, own)
  const larger = cause === 'out-of-memory' ? nextLarger(session.size) : null
  const text =
    cause === 'out-of-memory' && session.readyAt === null ? 'Loading the file needed more than it had.' : remedy
  const noLarger = cause === 'out-of-memory' && larger === null ? ' This is the largest size there is.' : ''
  return {
    code: cause,
    // A heading here, a sentence elsewhere.
    title: title.replace(/\.$/, ''),
    detail: `${text}${noLarger}${detail ? ` (${detail})` : ''}`,
    largerMiB: larger?.memoryMiB ?? null,
  }
}
