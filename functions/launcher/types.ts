/** The launcher as its callers see it: one function per step of the flow, built by `createLauncher(ports, limits, …)`. */
import type {
  BeatAnswer,
  BeatReport,
  ByeReport,
  GateAnswer,
  KnockAnswer,
  ProgressReport,
  SavedVersion,
  UploadAnswer,
  UploadRequest,
} from '../api/contract/gate.ts'
import type { Dataset } from '../core/dataset.ts'
import type { LaunchLink } from '../core/link.ts'
import type { MergeReport } from '../core/merge-report.ts'
import type { VaultKind, VaultVersion } from '../core/ports.ts'
import type { GatePrincipal, Principal, ViewMode } from '../core/principal.ts'
import type { Receipt, Session } from '../core/session.ts'
import type { GuestKept, LinkDetails, ListedLink } from './share.ts'
import type { TickOptions, TickReport } from './tick.ts'

export type LaunchOptions = {
  /** `click`: a person asked; `page`: a page needs data by itself, which repeated failures forbid (`needs-click`). */
  by: 'click' | 'page'
  /** Take the next larger size than the last session had. */
  larger?: boolean
}

/** A body that was put where `vaultUpload` or `offerUpload` said. */
export type Uploaded = { ref: string; mostBytes: number }

/** What became of labels or gene sets that were brought together with others. */
export type Merged = { version: string; report: MergeReport }

/** A launch link as it is asked for. */
export type LinkWish = {
  mode: ViewMode
  /** A minute to 90 days. */
  expiresInMs: number
  note: string
  /** Each named guest gets an address of their own; null: whoever has the link gives a name. */
  guestNames: readonly string[] | null
  /** How many people may come; null: as many as like. Ignored where guests are named. */
  maxGuests: number | null
}

export type KeptAnnotations = { dataset: Dataset; labels: VaultVersion | null; geneSets: VaultVersion | null }

export interface Launcher {
  /** Datasets that `who` may open, by path; removed ones only where `who` keeps annotations. */
  listDatasets(who: Principal): Promise<Dataset[]>
  /** Throws `not-found`, or `not-allowed` (not hidden as not-found: the receiver of a link learns whom to ask). */
  getDataset(who: Principal, datasetId: string): Promise<Dataset>

  /** Starts a viewer, or returns the one that is live. Throws `dataset-unusable`, `too-many-sessions`, `no-room`, `needs-click`. */
  launch(who: Principal, datasetId: string, options: LaunchOptions): Promise<Session>
  /** Newest first; over sessions too. */
  listSessions(who: Principal): Promise<Session[]>
  /** By session id. Throws `not-found` for another's. */
  getSession(who: Principal, sessionId: string): Promise<Session>
  /** The session of (who, dataset), if any; strongly consistent. */
  findSession(who: Principal, datasetId: string): Promise<Session | null>
  /** Resolves when the session of (who, dataset) changes in this process, or after `timeoutMs`, whichever is first. */
  waitForChange(ownerId: string, datasetId: string, timeoutMs: number, signal?: AbortSignal): Promise<void>
  /**
   * Where a queued session waits (1 is next), null when it does not; says as well that its user is still there, without
   * which it leaves the line after `queueSilenceMs`.
   */
  waitInLine(session: Session): Promise<{ position: number; length: number } | null>
  stop(who: Principal, sessionId: string): Promise<Session>
  /** "Keep it running": counts as use. */
  keep(who: Principal, sessionId: string): Promise<Session>
  receipts(who: Principal): Promise<Receipt[]>

  knock(gate: GatePrincipal): Promise<KnockAnswer>
  progress(gate: GatePrincipal, report: ProgressReport): Promise<GateAnswer>
  loaded(gate: GatePrincipal): Promise<GateAnswer>
  beat(gate: GatePrincipal, report: BeatReport): Promise<BeatAnswer>
  bye(gate: GatePrincipal, report: ByeReport): Promise<void>
  /** Throws `session-over` when the session no longer owns its (owner, dataset). */
  vaultRead(gate: GatePrincipal, kind: VaultKind, version: string): Promise<Uint8Array>
  /** Where a body too large for the way to the API goes; `vaultPut` names it then. Throws `session-over`. */
  vaultUpload(gate: GatePrincipal, body: UploadRequest): Promise<UploadAnswer>
  /** Throws `session-over`, `base-mismatch` (`data.latest`). */
  vaultPut(
    gate: GatePrincipal,
    kind: VaultKind,
    body: Uint8Array | Uploaded,
    save: { base: string | null; requestSha256: string },
  ): Promise<SavedVersion>

  /** Everything `who` keeps, by dataset. */
  listAnnotations(who: Principal): Promise<KeptAnnotations[]>
  history(who: Principal, datasetId: string, kind: VaultKind): Promise<VaultVersion[]>
  readVersion(who: Principal, datasetId: string, kind: VaultKind, version: string): Promise<Uint8Array>
  /** Makes an old version the newest one again; nothing is deleted. Throws `base-mismatch` when `base` is not the newest. */
  restore(
    who: Principal,
    datasetId: string,
    kind: VaultKind,
    version: string,
    base: string | null,
  ): Promise<VaultVersion>

  /** What a page could not save, as it sent it, is kept by cell name beside what is there. */
  keepBeside(
    who: Principal,
    datasetId: string,
    kind: VaultKind,
    save: { datasetVersion: string; base: string | null; body: Uint8Array | Uploaded },
  ): Promise<Merged>
  /** A file of labels by cell name. Throws `bad-request`, `base-mismatch`. */
  uploadLabels(
    who: Principal,
    datasetId: string,
    upload: { body: Uint8Array | Uploaded; base: string | null; mode: 'replace' | 'add' },
  ): Promise<Merged>
  /** As `vaultUpload`, for a person's file of labels, or what their page could not save. Throws `read-only`. */
  offerUpload(who: Principal, body: UploadRequest): Promise<UploadAnswer>
  /** Most bytes of a body that comes or goes directly; null: no bound of the platform's. */
  readonly directBytes: number | null
  /** The address below which this person's larger bodies are put; null: there are none. */
  uploadPlace(who: Principal): Promise<string | null>
  /** An address for a body that is too large to go directly, as a file of this name; null when it is not. */
  lend(body: Uint8Array, fileName: string): Promise<string | null>
  /** What became of the newest labels when the dataset was replaced; null when somebody has saved since. */
  carried(who: Principal, datasetId: string): Promise<Merged | null>

  /** Throws `bad-request`, `not-allowed`, `conflict`. */
  makeLink(who: Principal, datasetId: string, wish: LinkWish): Promise<LaunchLink>
  /** Newest first, revoked and expired ones too. */
  listLinks(who: Principal, datasetId: string): Promise<ListedLink[]>
  /** For its maker or an administrator, as are the next three. Throws `not-found`. */
  getLink(who: Principal, linkId: string): Promise<LinkDetails>
  /** Nobody comes in by it any more, and who is in goes; their labels stay. */
  revokeLink(who: Principal, linkId: string): Promise<LaunchLink>
  guestAnnotations(who: Principal, linkId: string): Promise<GuestKept[]>
  /** @param wanted `version` null: the newest */
  readGuestVersion(
    who: Principal,
    wanted: { linkId: string; guestKey: string; kind: VaultKind; version: string | null },
  ): Promise<{ body: Uint8Array; version: string }>

  /** Ends what is due, then lets in who waits for a place. Returns how many sessions it looked at. */
  reap(): Promise<number>
  /** Lets in who waits, as far as there is room: a task has really gone. Returns how many. */
  promote(): Promise<number>
  /** Ends tasks and routes that no live session owns. */
  sweep(): Promise<{ tasks: string[]; routes: string[] }>
  /** All of it for a platform that is called once a minute. Never throws but when the store can't be read. */
  tick(options: TickOptions): Promise<TickReport>
  /** The session's task has changed by itself (died): reap it now instead of at the next tick. */
  taskChanged(sessionId: string): Promise<void>
  /** One machine only, at start: ends the sessions of a launcher that died. Returns how many. */
  recover(): Promise<number>
  /** One machine only, before it goes down: ends every live session. Returns how many. */
  shutdown(): Promise<number>
  /** The dataset has another version or is gone: ends its sessions. */
  datasetChanged(datasetId: string): Promise<void>
}
