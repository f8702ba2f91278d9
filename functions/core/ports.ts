/** What the launcher needs from the world. Owned here, implemented under `platform/`, each held to a contract suite in `test/contracts`. */
import type { Dataset } from './dataset.ts'
import type { LargeBodies } from './large-bodies.ts'
import type { LaunchLink, LinkGuest, LinkUse } from './link.ts'
import type { MergeReport } from './merge-report.ts'
import type { Receipt, Session } from './session.ts'
import type { TaskSize } from './sizing.ts'

/** Every mutating call below may be repeated; recovery is one rule: do it again. */

export interface SessionStore {
  /**
   * One live session per (owner, dataset): the key is the rule. Writes `fresh` unless a live session is there.
   * @returns the record now stored, and whether this call created it
   */
  claim(fresh: Session): Promise<{ created: boolean; session: Session }>
  /** Strongly consistent. */
  get(ownerId: string, datasetId: string): Promise<Session | null>
  /** Sessions of one owner, live and over (at most one per dataset). */
  listByOwner(ownerId: string): Promise<Session[]>
  /**
   * Writes `next` only if version and dueAt are still those of `from`; a `touch` in between therefore defeats a reap.
   * @returns the stored record (version + 1), or null when somebody else was first
   */
  advance(from: Session, next: Session): Promise<Session | null>
  /** Moves the clocks of a ready or queued session with this id; no version change. False when it is neither any more. */
  touch(session: Session, clocks: { lastActiveAt: number; lastSeenAt: number; dueAt: number }): Promise<boolean>
  /** Live sessions due at or before `now`, soonest first. Cost follows what is due. May lag: re-read before acting. */
  listDue(now: number): AsyncIterable<Session>
  /** Every live session, queued ones too; may lag as `listDue` does. Cost follows what is live. */
  listLive(): Promise<readonly Session[]>
}

export interface ReceiptStore {
  /** Idempotent on the session id: the first one stays. */
  put(receipt: Receipt): Promise<void>
  /** Newest first. */
  listByOwner(ownerId: string): Promise<Receipt[]>
}

export interface Catalogue {
  get(datasetId: string): Promise<Dataset | null>
  /** All datasets, removed ones too. */
  list(): Promise<Dataset[]>
  /** Creates only; false when the id is taken. */
  create(dataset: Dataset): Promise<boolean>
  /** Overwrites; the indexer is the only writer. */
  put(dataset: Dataset): Promise<void>
}

export type UserRecord = {
  /** [a-z0-9._@-], as typed at sign-in. */
  name: string
  email: string | null
  groups: string[]
  admin: boolean
  disabled: boolean
  /**
   * argon2id, PHC string; until the first sign-in of somebody who came with an htpasswd file, the hash from there; null
   * for a user that can't sign in with a password.
   */
  passwordHash: string | null
  /** Grows when every sign-in of this user is to end; logins of an earlier one are void. */
  generation: number
  createdAt: number
}

export interface UserStore {
  get(name: string): Promise<UserRecord | null>
  list(): Promise<UserRecord[]>
  /** Creates only; false when the name is taken. */
  create(user: UserRecord): Promise<boolean>
  put(user: UserRecord): Promise<void>
  /**
   * Another hash in place of `from`; with `endLogins`, `generation` grows in the same write.
   * @returns false when the user is gone or has another hash than `from` by now
   */
  setPassword(name: string, from: string | null, to: string, endLogins: boolean): Promise<boolean>
}

/**
 * A signed-in browser; sign-out deletes it and with it everything its cookies opened. `userName` is a user's name, or a
 * guest's owner id (`guest:<link>:<key>`), which no user's name can be. `generation` is the user's at sign-in (guests: 0).
 */
export type Login = { id: string; userName: string; generation: number; createdAt: number; expiresAt: number }

export interface LoginStore {
  create(login: Login): Promise<void>
  get(id: string): Promise<Login | null>
  delete(id: string): Promise<void>
}

/** Launch links, the guests who came by them, and every use. A secret is never stored: `auth/links` derives it. */
export interface LinkStore {
  /** Creates only; false when the id is taken. */
  create(link: LaunchLink): Promise<boolean>
  get(linkId: string): Promise<LaunchLink | null>
  /** Newest first, revoked and expired ones too. */
  listByDataset(datasetId: string): Promise<LaunchLink[]>
  /** Idempotent: the first time stays. Null when there is no such link. */
  revoke(linkId: string, at: number): Promise<LaunchLink | null>
  /**
   * Adds a guest unless the key is taken or the link has as many as it may have (one conditional write decides, so that
   * two who come at once can't both be the last). Whether the link is over is for the caller to ask.
   */
  addGuest(link: LaunchLink, guest: LinkGuest): Promise<'added' | 'taken' | 'full'>
  getGuest(linkId: string, key: string): Promise<LinkGuest | null>
  /** In the order in which they came. */
  listGuests(linkId: string): Promise<LinkGuest[]>
  recordUse(use: LinkUse): Promise<void>
  /** Newest first, at most `most`. */
  listUses(linkId: string, most: number): Promise<LinkUse[]>
}

/** Things that may happen once (a ticket's id, an admin link) and counters that limit guessing. */
export interface OnceStore {
  /** True for the first caller with this key, false for every other, until `expiresAt` (ms) and a while longer. */
  spend(key: string, expiresAt: number): Promise<boolean>
  /** Adds one to a counter that starts again `windowMs` after its first hit. @returns the count with this hit, and when it starts again (ms) */
  hit(key: string, now: number, windowMs: number): Promise<{ count: number; resetsAt: number }>
}

export type TaskSpec = {
  sessionId: string
  /** What its viewer will be given: on one machine a viewer may see this one file, and that is arranged before it starts. */
  datasetId: string
  attempt: number
  size: TaskSize
  /** Bearer token of the gate, the same bytes on every retry. Never log it. */
  gateToken: string
}

export type TaskStatus =
  | { status: 'none' } // nothing is known of it
  | { status: 'starting' }
  | { status: 'running'; endpoint: string }
  /** Told to stop, or dead, and can't come back. */
  | { status: 'gone'; cause: 'out-of-memory' | 'load-failed' | 'task-lost' | null; detail: string | null }

export interface TaskRunner {
  /**
   * True when a `start` that comes after a `stop` of the same session is refused, so that a late call of a slow launcher
   * can't bring it back and the *grace* rule has nothing to wait for. ECS can't promise that; one machine can.
   */
  readonly final: boolean
  /**
   * Idempotent on (session id, attempt). Throws `no-room` when refused outright: nothing was started; `unavailable` with
   * `data.nothingStarted` when that is certain too, and without it when a task may run all the same.
   */
  start(spec: TaskSpec): Promise<void>
  inspect(sessionId: string): Promise<TaskStatus>
  /** Afterwards `inspect` says `gone` or `none`. Harmless when there is none. */
  stop(sessionId: string): Promise<void>
  /** Sessions that may hold a task, for the sweep. */
  listSessionIds(): Promise<string[]>
  /**
   * Memory of tasks that were told to stop or died but still run, MiB: on one machine it is not free before they are gone.
   * Zero where the platform's capacity is not ours to count.
   * @param counted sessions whose memory the caller counts already
   */
  heldMiB(counted: ReadonlySet<string>): Promise<number>
}

export interface Router {
  /** As `TaskRunner.final`: `reserve` and `open` after `close` of the same session are refused (`session-over`). */
  readonly final: boolean
  /** Throws `no-room` before anything is paid for. The path ends in a slash: `/s/<something>/`. */
  reserve(sessionId: string): Promise<{ path: string }>
  /** @param endpoint as `TaskRunner.inspect` gave it, never as a gate claims it */
  open(sessionId: string, endpoint: string): Promise<void>
  status(sessionId: string): Promise<'none' | 'reserved' | 'open'>
  /** Afterwards `status` says `none`. */
  close(sessionId: string): Promise<void>
  listSessionIds(): Promise<string[]>
}

export type FileStat = { path: string; sizeBytes: number; modifiedAt: number }

export interface DatasetFiles {
  /** Every `.h5ad` below the folder or in the bucket; hidden and temporary names left out. */
  list(): Promise<FileStat[]>
  stat(path: string): Promise<FileStat | null>
  /** Where a gate gets the file: a presigned URL, or a path on the same machine. Throws `not-found`. */
  locate(path: string): Promise<{ kind: 'path'; path: string } | { kind: 'url'; url: string }>
}

export type VaultKind = 'labels' | 'genesets'
export const vaultKinds: readonly VaultKind[] = ['labels', 'genesets']

export type VaultRef = { ownerId: string; datasetId: string; kind: VaultKind }

export type VaultVersion = {
  /** Grows by one per version of a ref, written as a decimal: `1`, `2`, … */
  version: string
  /** The version replaced; null for the first. */
  base: string | null
  savedAt: number
  /** Who, in words for the page. */
  savedBy: string
  /**
   * What wrote it: `session:<id>` (a save), `restore:<version>`, `upload`, `carry-over:<version>` (the dataset changed),
   * `merge:<version>` (kept beside what somebody else had saved).
   */
  origin: string
  /** What a carry-over, an upload or a merge did, for who reads the history; null for saves and restores. */
  report: MergeReport | null
  datasetVersion: string
  obsIndexHash: string
  /** SHA-256 (hex) of the request body that asked for it, so that a repeated save is known. */
  requestSha256: string
  /** SHA-256 (hex) of the content. */
  contentSha256: string
  sizeBytes: number
}

export interface Vault {
  latest(ref: VaultRef): Promise<VaultVersion | null>
  /** Content of one version (CSV, UTF-8). Throws `not-found`. */
  read(ref: VaultRef, version: string): Promise<Uint8Array>
  /** Newest first. */
  history(ref: VaultRef): Promise<VaultVersion[]>
  /**
   * Durable when it returns. Throws `base-mismatch` with `data.latest` when the newest version is not `base`.
   * @param body CSV, UTF-8; may be empty (everything was deleted)
   */
  put(
    ref: VaultRef,
    body: Uint8Array,
    meta: Pick<VaultVersion, 'base' | 'savedBy' | 'origin' | 'datasetVersion' | 'obsIndexHash' | 'requestSha256'> & {
      report?: MergeReport | null
    },
  ): Promise<VaultVersion>
  /** The datasets that one owner keeps something for. */
  listDatasets(ownerId: string): Promise<string[]>
  /** Where the way to the API is too narrow for a body of the vault; missing where every body goes directly. */
  readonly uploads?: LargeBodies
}

/** The cells of a dataset version, by name, and its columns: kept when it is indexed, also after its file is gone. */
export interface CellNames {
  /** Null when this version was never read (or by an older program). */
  get(datasetVersion: string): Promise<DatasetCells | null>
  has(datasetVersion: string): Promise<boolean>
  /** Idempotent. Durable when it returns. */
  put(datasetVersion: string, cells: DatasetCells): Promise<void>
  /**
   * Forgets versions that have not been in `current` for longer than `keptCellsMs`. Only pages that were open when a file was
   * replaced need those: what the vault keeps is by name already. Idempotent.
   */
  prune(current: ReadonlySet<string>): Promise<void>
}

export const keptCellsMs = 30 * 24 * 3_600_000

export type DatasetCells = {
  /** In the file's order. */
  names: readonly string[]
  /** Columns of obs: a label column can't have the name of one (cellxgene answers 500). */
  columns: readonly string[]
  /** Its genes, so that a page's gene sets don't lose those that it can't see; missing in what an older program kept. */
  genes?: readonly string[]
}

export interface Clock {
  /** ms since 1970. */
  now(): number
}

export type LogLevel = 'info' | 'warn' | 'error'
/** One line of JSON per event. Never bodies, tokens, cookies or query strings. */
export type Log = (level: LogLevel, event: string, fields?: Record<string, string | number | boolean | null>) => void

/** Everything the launcher's steps work with. */
export type Ports = {
  sessions: SessionStore
  receipts: ReceiptStore
  catalogue: Catalogue
  links: LinkStore
  tasks: TaskRunner
  router: Router
  files: DatasetFiles
  vault: Vault
  cells: CellNames
  clock: Clock
  /** New session id: 20 characters of [a-z2-7]. */
  newId(): string
  /** Signs the token of a session's gate; the same bytes for the same session. */
  gateToken(session: Session): Promise<string>
  log: Log
}
