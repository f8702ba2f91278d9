/** What the pages need beside what the API needs. */
import type { ApiDeps } from '../deps.ts'

export type Asset = {
  body: Uint8Array<ArrayBuffer>
  contentType: string /** Short hash of the content, for its address. */
  hash: string
}

export type WebDeps = ApiDeps & {
  /** By name; see `readWebAssets`. */
  assets: ReadonlyMap<string, Asset>
}
