/**
 * Keeps three things in step, per kind: what the vault has, what the viewer answers from, and which version an answer names.
 * The viewer's annotations class reaches the vault only through here, and remembers new content only after the vault has it.
 */
import type { IncomingMessage } from 'node:http'
import type { BeatAnswer, SavedVersion, Work } from '../api/contract/gate.ts'
import { isLauncherError, LauncherError } from '../core/errors.ts'
import type { Clock, Log, VaultKind } from '../core/ports.ts'
import type { Api, PutAnswer } from './api-client.ts'
import type { Gone } from './gone.ts'
import { backoff, createLock, type Lock, pause, within } from './timing.ts'
import type { Tuning } from './tuning.ts'

/** A save that was passed to the viewer and may hand over its content. */
export type OpenSave = {
  id: string
  base: string | null
  requestSha256: string
  /** What became of the content; null until the viewer has handed it over. */
  outcome: Promise<HandOver> | null
}
export type HandOver = PutAnswer | { status: 'unavailable' }

export type VaultSync = {
  /** Newest version in the vault, as far as the gate knows. */
  known(kind: VaultKind): string | null
  /** One save or reload of a kind at a time. */
  lock(kind: VaultKind): Lock
  /** The vault says that another version is the newest. */
  learn(kind: VaultKind, version: string | null): void
  /** Asks the vault for its newest version, with who saved it; null: nothing is kept. Throws `unavailable`. */
  probe(kind: VaultKind): Promise<SavedVersion | null>
  /** Makes the viewer read again if it does not answer from the newest version; call it holding the lock. */
  settle(kind: VaultKind): Promise<void>
  /** Asks the vault what is newest and has the viewer read it, if it does not answer from that. */
  look(kind: VaultKind): Promise<void>
  /** Lets the viewer hand over content under this id until `closeSave`. */
  openSave(kind: VaultKind, save: OpenSave): void
  /** @param remembered the viewer answered that it took over what the vault has now */
  closeSave(kind: VaultKind, remembered: boolean): void
  /** The viewer's `PUT /vault/<kind>`; null when it names no save that is under way. Call `told` after the viewer was answered. */
  handOver(kind: VaultKind, saveId: string, content: { file: string; sizeBytes: number }): Promise<HandOver> | null
  /** The viewer's `GET /vault/<kind>`; null when nothing is kept. */
  content(kind: VaultKind): Promise<{ version: string; body: IncomingMessage } | null>
  /** Asks until the answer was surely made from one version, and says which. Null when the viewer never settled. */
  readAs<T>(
    kind: VaultKind,
    ask: () => Promise<T>,
    discard: (answer: T) => void,
    gone: Gone,
  ): Promise<{ answer: T; version: string | null } | null>
  /** What a beat brought; `marks` from before it was sent, so that a save meanwhile is not taken for an older version. */
  marks(): string
  afterBeat(answer: BeatAnswer & { status: 'stay' }, before: string): void
}

type State = {
  known: string | null
  /** The version that the viewer answers from. */
  viewer: string | null
  /** Grows whenever `viewer` may have changed; two equal readings with no change open in between: nothing changed. */
  stamp: number
  /** Between "the vault has it" and "the viewer has it" nobody can tell which of the two an answer was made from. */
  changing: boolean
  save: OpenSave | null
  lock: Lock
  waiters: Set<() => void>
}

export type VaultSyncDeps = {
  api: Api
  /** `POST /-/reload` to the viewer; resolves with its status. */
  reload(kind: VaultKind): Promise<number>
  /** The API says that the session is over. */
  onSessionOver(): void
  /** The viewer can't be brought to the newest version. */
  onStuck(detail: string): void
  clock: Clock
  log: Log
  tuning: Tuning
}

/** No version ever has this number (versions count from 1), so the vault refuses it as a base and says what it has. */
const noVersion = '0'
const readTries = 5

export function createVaultSync(work: Pick<Work, 'labelsVersion' | 'geneSetsVersion'>, deps: VaultSyncDeps): VaultSync {
  const { api, log, tuning, clock } = deps
  const fresh = (known: string | null): State => ({
    known,
    viewer: known,
    stamp: 0,
    changing: false,
    save: null,
    lock: createLock(),
    waiters: new Set(),
  })
  const states: Record<VaultKind, State> = { labels: fresh(work.labelsVersion), genesets: fresh(work.geneSetsVersion) }

  function open(state: State): void {
    state.changing = true
    state.stamp += 1
  }

  function shut(state: State): void {
    state.changing = false
    state.stamp += 1
    for (const wake of state.waiters) wake()
    state.waiters.clear()
  }

  async function settle(kind: VaultKind): Promise<void> {
    const state = states[kind]
    if (!state.changing && state.viewer === state.known) return
    open(state)
    for (let attempt = 0; attempt < tuning.reloadTries; attempt += 1) {
      if (attempt > 0) await pause(backoff(attempt, tuning))
      const status = await deps.reload(kind).catch(() => 0)
      if (status >= 200 && status < 300) return shut(state)
      log('warn', 'reload-failed', { kind, status })
    }
    deps.onStuck(`The viewer could not read the ${kind} again.`)
  }

  /** Tries until the vault has said yes or no, within `vaultRetryMs`. */
  async function store(
    kind: VaultKind,
    save: OpenSave,
    content: { file: string; sizeBytes: number },
  ): Promise<HandOver> {
    const state = states[kind]
    const until = clock.now() + tuning.vaultRetryMs
    for (let attempt = 0; ; attempt += 1) {
      try {
        const answer = await api.vaultPut(kind, content, save)
        // Our own earlier try, whose answer was lost (or the same request through an earlier gate): it is saved.
        const own = answer.status === 'base-mismatch' && answer.latest?.requestSha256 === save.requestSha256
        const outcome: PutAnswer = own && answer.latest ? { status: 'saved', saved: answer.latest } : answer
        if (outcome.status === 'saved') {
          state.known = outcome.saved.version
          // From here on the viewer may answer from the new content at any moment.
          open(state)
        } else if (outcome.status === 'base-mismatch') state.known = outcome.latest?.version ?? null
        else if (outcome.status === 'session-over') deps.onSessionOver()
        return outcome
      } catch (error) {
        if (!isLauncherError(error, 'unavailable')) throw error
        const wait = backoff(attempt, tuning)
        if (clock.now() + wait >= until) {
          log('warn', 'save-not-durable', { kind, detail: error.message })
          return { status: 'unavailable' }
        }
        await pause(wait)
      }
    }
  }

  async function probe(kind: VaultKind): Promise<SavedVersion | null> {
    const answer = await api.vaultPut(kind, null, { base: noVersion, requestSha256: '0'.repeat(64) })
    if (answer.status === 'base-mismatch') return answer.latest
    if (answer.status === 'session-over') deps.onSessionOver()
    // No answer is no "nothing is kept": the viewer would show empty labels, and a save would put them in the place of all.
    throw new LauncherError('unavailable', 'The vault did not say what its newest version is. Try again shortly.')
  }

  const marks = () =>
    JSON.stringify(Object.values(states).map(({ known, stamp, lock }) => [known, stamp, lock.size > 0]))

  return {
    known: (kind) => states[kind].known,
    lock: (kind) => states[kind].lock,
    learn(kind, version) {
      states[kind].known = version
    },
    probe,
    look: (kind) =>
      states[kind].lock.run(async () => {
        states[kind].known = (await probe(kind))?.version ?? null
        await settle(kind)
      }),
    settle,
    openSave(kind, save) {
      states[kind].save = save
    },
    closeSave(kind, remembered) {
      const state = states[kind]
      state.save = null
      if (!state.changing || !remembered) return
      state.viewer = state.known
      shut(state)
    },
    handOver(kind, saveId, content) {
      const { save } = states[kind]
      if (save?.id !== saveId || save.outcome !== null) return null
      save.outcome = store(kind, save, content)
      return save.outcome
    },
    async content(kind) {
      const state = states[kind]
      const { known } = state
      const body = known === null ? null : await api.vaultRead(kind, known)
      state.viewer = known
      state.stamp += 1
      return body && known !== null ? { version: known, body } : null
    },
    async readAs(kind, ask, discard, gone) {
      const state = states[kind]
      for (let attempt = 0; attempt < readTries; attempt += 1) {
        if (state.changing) {
          await within(new Promise<void>((resolve) => state.waiters.add(resolve)), tuning.settleMs, gone.signal)
          if (state.changing) return null
        }
        const before = state.stamp
        const answer = await ask()
        if (state.stamp === before) return { answer, version: state.viewer }
        discard(answer)
      }
      return null
    },
    marks,
    afterBeat(answer, before) {
      if (before !== marks()) return
      for (const kind of ['labels', 'genesets'] as const) {
        const state = states[kind]
        const version = kind === 'labels' ? answer.labelsVersion : answer.geneSetsVersion
        if (version === state.known || state.lock.size > 0) continue
        log('info', 'vault-changed', { kind, version })
        state.known = version
        void state.lock.run(() => settle(kind))
      }
    },
  }
}
