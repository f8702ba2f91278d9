/** What the lobby is made of: everything it needs comes in here, and nothing else does. */
import type { Keys } from '../auth/keys.ts'
import type { Dataset } from '../core/dataset.ts'
import type { LauncherError } from '../core/errors.ts'
import type { Limits } from '../core/limits.ts'
import type { Clock, Log, OnceStore } from '../core/ports.ts'
import type { Principal } from '../core/principal.ts'
import type { Launcher } from '../launcher/types.ts'
import type { LobbyAssets } from './assets.ts'

/** RFC 9457, as `api/problem.ts` makes it of an error: the one mapping, handed in because the lobby may not import the API. */
export type Problem = { status: number; title: string; detail?: string; code?: string }

export type LobbyDeps = {
  launcher: Pick<
    Launcher,
    | 'getDataset'
    | 'findSession'
    | 'launch'
    | 'waitInLine'
    | 'waitForChange'
    | 'keep'
    | 'stop'
    | 'history'
    | 'readVersion'
    | 'keepBeside'
    | 'carried'
    | 'lend'
    | 'directBytes'
    | 'offerUpload'
    | 'uploadPlace'
  >
  /** Does this login still stand for this owner? With the groups of now; null ends what its cookies opened. */
  checkLogin(loginId: string, ownerId: string): Promise<Principal | null>
  /** Why a launch link can't be used any more, in words for its guests; null while it stands. */
  whyOver(linkId: string): Promise<LauncherError | null>
  /** Where a ticket's id is spent. */
  once: Pick<OnceStore, 'spend'>
  keys: Keys
  clock: Clock
  log: Log
  /** cellxgene's page and static files and the companion, read at start-up by `loadLobbyAssets`. */
  assets: LobbyAssets
  /** Scheme, host and port, without a path. Two hosts, never two ports of one: ports share cookies. */
  appOrigin: string
  viewOrigin: string
  limits: Limits
  /** Writes what is not ours to the log, too. */
  problem(error: unknown, at: { method: string; path: string }): Problem
  /** cellxgene's own answer to a start-up request, kept for this dataset version; null when there is none. Later. */
  snapshot?(dataset: Dataset, pathAndQuery: string): Promise<Response | null>
  /** How often a long poll looks again by itself, for changes made by another process, ms. */
  recheckMs?: number
}
