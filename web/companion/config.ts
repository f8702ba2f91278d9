/** What the lobby tells the companion when it serves the page: a JSON data block, never script made from strings. */

export type PageConfig = {
  owner: { id: string; name: string }
  /** Came by a launch link: no account, no pages of the launcher. */
  guest: boolean
  /** `view`: nothing is saved from this page. */
  mode: 'view' | 'annotate'
  dataset: { id: string; title: string; version: string }
  /** Path of this page, `/v/<dataset>/`, or a guest's own `/v/<dataset>~<link>/`. */
  home: string
  /** The launcher's own pages. */
  appUrl: string
  /** Time without use until a viewer sleeps, ms. */
  idleMs: number
  /** Whether the lobby may have answers of its own while no viewer runs. */
  snapshots: boolean
  /** Larger bodies can't be sent to the lobby itself; null: any can. */
  directBytes: number | null
}

/** Id of the data block's element. */
export const configElementId = 'cxod-config'
