/** All that the page's own words depend on, at one moment. */
import type { LobbyStatus, MergeAnswer } from '../../functions/api/contract/lobby.ts'
import type { SaveKind } from './base.ts'
import type { Problem } from './env.ts'
import type { Trouble } from './lobby-calls.ts'
import type { SaveState } from './saves.ts'

/** What a bringing together or over did, and to what. */
export type Told = { kind: SaveKind; how: 'carried' | 'merged'; report: MergeAnswer['report'] }

export type Model = {
  userName: string
  /** Came by a launch link: no pages of the launcher to go to. */
  guest: boolean
  mode: LobbyStatus['mode']
  /** The launcher's own pages, and this page's. */
  appUrl: string
  home: string
  status: LobbyStatus | null
  trouble: Trouble | null
  refusal: Problem | null
  here: boolean
  /** Calls that wait for a viewer. */
  waiting: number
  saves: { kind: SaveKind; save: SaveState }[]
  /** The file is another one now, or gone: nothing can be saved from here, only kept beside. */
  moved: 'changed' | 'removed' | null
  /** Kinds whose unsaved work was kept beside what is there; the page is to be loaded again. */
  kept: SaveKind[]
  /** "Take theirs" was chosen and waits for the second word. */
  dropping: SaveKind | null
  /** Somebody saved these meanwhile, and nothing of ours stands against it yet. */
  newer: SaveKind[]
  /** Something is changed that was not even sent yet. */
  unsent: boolean
  /** Reports that nobody has said "OK" to. */
  told: Told[]
  /** The user left the line, so the page does not join it again by itself. */
  left: boolean
  sleepsIn: { ms: number; ends: boolean } | null
  warnMs: number
  /** Calls that were given up and wait for a person's word, in words. */
  lost: string[]
  /** A save was refused because this link is for looking only, and nobody has said "OK" yet. */
  readOnly: boolean
  /** The guest's note was put away. */
  quiet: boolean
}

export type Action =
  | { do: 'wake'; larger?: boolean }
  | { do: 'keep' | 'sign-in' | 'reload' | 'open-new' | 'retry' | 'home' | 'leave' | 'load-newer' | 'download' }
  /** `again` and `leave-it`: about calls that were given up. */
  | { do: 'again' | 'leave-it' | 'told' | 'seen-read-only' | 'quiet' | 'back' }
  | { do: 'go-on' | 'keep-both' | 'drop' | 'drop-now'; kind: SaveKind }

export type Button = { label: string; primary?: boolean } & (
  | { action: Action }
  /** A link; `download`: to a file. */
  | { href: string; download?: boolean }
)

/** Buttons for a viewer that only a person may start again. */
export function startButtons(status: LobbyStatus | null, memory: (mib: number) => string): Button[] {
  const larger = status?.problem?.largerMiB ?? null
  const again: Button = { label: 'Try again', action: { do: 'wake' } }
  if (larger === null) return [{ ...again, primary: true }]
  return [{ label: `Start with ${memory(larger)}`, action: { do: 'wake', larger: true }, primary: true }, again]
}

/** Kept by the launcher, by cell name. */
export const savedLabels = ({ home }: Model): Button => ({
  label: 'Download my labels',
  href: `${home}-/annotations/labels.csv`,
  download: true,
})

export const unsavedFile: Button = { label: 'Download what is not saved', action: { do: 'download' } }
