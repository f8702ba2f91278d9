/** Saves of the page: what is acknowledged here is in the vault. One at a time per kind, each against the version it replaces. */
import { createHash, randomUUID } from 'node:crypto'
import type { IncomingMessage } from 'node:http'
import type { SavedVersion } from '../api/contract/gate.ts'
import { LauncherError } from '../core/errors.ts'
import type { VaultKind } from '../core/ports.ts'
import { type Answer, held, json, problem } from './answer.ts'
import { fromViewer } from './forward.ts'
import { versionHeaders } from './header-names.ts'
import { readAll } from './http-call.ts'
import type { Tuning } from './tuning.ts'
import type { HandOver, OpenSave, VaultSync } from './vault-sync.ts'

export type Save = {
  kind: VaultKind
  /** SHA-256 of this body, as the browser sent it, tells a repeat from another save. */
  raw: Buffer
  /** Version from which the page loaded what it replaces; null: nothing was kept. */
  base: string | null
  /** Passes the save to the viewer under this id. */
  toViewer(saveId: string): Promise<IncomingMessage>
  /** The browser went away: a save that has not begun is dropped, one that has begun is finished. */
  signal: AbortSignal
}

export type Saves = {
  run(save: Save): Promise<Answer>
  /** Saves that have begun or wait. */
  readonly underWay: number
}

const viewerAnswerMost = 2 ** 20

export function createSaves(sync: VaultSync, routePath: string, tuning: Pick<Tuning, 'savesWaiting'>): Saves {
  let underWay = 0

  async function attempt(save: Save, requestSha256: string): Promise<Answer> {
    const { kind, base } = save
    save.signal.throwIfAborted()
    await sync.settle(kind)
    if (base !== sync.known(kind)) {
      const latest = await sync.probe(kind)
      sync.learn(kind, latest?.version ?? null)
      if (latest?.requestSha256 === requestSha256) return saved(kind, latest.version)
      if (base !== sync.known(kind)) return mismatch(latest)
      await sync.settle(kind) // the page knew of a newer version than we did
    }
    const open: OpenSave = { id: randomUUID(), base, requestSha256, outcome: null }
    sync.openSave(kind, open)
    let answered = false
    try {
      const viewer = await exchange(save, open.id)
      const outcome = await open.outcome
      answered = 'status' in viewer && viewer.status < 300 && outcome?.status === 'saved'
      return conclude(kind, viewer, outcome)
    } finally {
      sync.closeSave(kind, answered)
    }
  }

  async function exchange(save: Save, id: string): Promise<Answer | { error: unknown }> {
    try {
      const res = await save.toViewer(id)
      const body = await readAll(res, viewerAnswerMost)
      const { 'content-length': _, ...headers } = fromViewer(res, routePath)
      return { status: res.statusCode ?? 502, headers, body }
    } catch (error) {
      return { error }
    }
  }

  /** The vault's word goes before the viewer's: what is durable is acknowledged, what is not never is. */
  function conclude(kind: VaultKind, viewer: Answer | { error: unknown }, outcome: HandOver | null): Answer {
    switch (outcome?.status) {
      case 'saved':
        if ('error' in viewer || viewer.status >= 300) return saved(kind, outcome.saved.version)
        return { ...viewer, headers: { ...viewer.headers, [versionHeaders[kind]]: outcome.saved.version } }
      case 'base-mismatch':
        return mismatch(outcome.latest)
      case 'session-over':
        return held() // this gate leaves; the next one answers
      case 'refused':
        return problem(
          outcome.httpStatus,
          outcome.httpStatus === 413 ? 'too-large' : 'bad-request',
          outcome.title,
          outcome.detail,
        )
      case 'unavailable':
        throw new LauncherError(
          'unavailable',
          'The vault can’t be reached, so this is not saved yet. It is tried again.',
        )
      default:
        if ('error' in viewer) throw viewer.error
        if (viewer.status >= 300) return viewer
        throw new LauncherError('unavailable', 'The viewer took the save but did not hand it over, so it is not kept.')
    }
  }

  return {
    get underWay() {
      return underWay
    },
    async run(save) {
      const lock = sync.lock(save.kind)
      if (lock.size > tuning.savesWaiting)
        throw new LauncherError('unavailable', 'Too many saves at once. Try again shortly.')
      const requestSha256 = createHash('sha256').update(save.raw).digest('hex')
      underWay += 1
      try {
        return await lock.run(() => attempt(save, requestSha256))
      } finally {
        underWay -= 1
        // In case the viewer is not where the vault is; not waited for, and nothing at all in the usual case.
        void lock.run(() => sync.settle(save.kind)).catch(() => {})
      }
    },
  }
}

/** As cellxgene answers a save, with the version that it made. */
function saved(kind: VaultKind, version: string): Answer {
  return json(200, { status: 'OK' }, { [versionHeaders[kind]]: version })
}

function mismatch(latest: SavedVersion | null): Answer {
  const detail = latest
    ? `${latest.savedBy || 'Somebody'} saved version ${latest.version} meanwhile, and this would replace it. Choose which one stays.`
    : 'What this would replace is not kept any more. Load it again.'
  const shown = latest && { version: latest.version, savedAt: latest.savedAt, savedBy: latest.savedBy }
  return problem(412, 'base-mismatch', 'A newer version is there', detail, { latest: shown })
}
