/** All that the page's own words depend on, at one moment. */
import type { LobbyStatus } from '../../functions/api/contract/lobby.ts'
import type { SaveKind } from './base.ts'
import type { Problem } from './env.ts'
import type { Trouble } from './lobby-calls.ts'
import type { SaveState } from './saves.ts'

export type Model = {
  userName: string
  status: LobbyStatus | null
  trouble: Trouble | null
  refusal: Problem | null
  here: boolean
  /** Calls that wait for a viewer. */
  waiting: number
  saves: { kind: SaveKind; save: SaveState }[]
  sleepsIn: { ms: number; ends: boolean } | null
  warnMs: number
  /** A call failed for good, and nobody has said "OK" yet. */
  lostCall: boolean
}

export type Action =
  | { do: 'wake'; larger?: boolean }
  | { do: 'keep' | 'sign-in' | 'reload' | 'dismiss' | 'retry' | 'home' }
  | { do: 'go-on'; kind: SaveKind }

export type Button = { label: string; action: Action; primary?: boolean }

/** Buttons for a viewer that only a person may start again. */
export function startButtons(status: LobbyStatus | null, memory: (mib: number) => string): Button[] {
  const larger = status?.problem?.largerMiB ?? null
  const again: Button = { label: 'Try again', action: { do: 'wake' } }
  if (larger === null) return [{ ...again, primary: true }]
  return [{ label: `Start with ${memory(larger)}`, action: { do: 'wake', larger: true }, primary: true }, again]
}
