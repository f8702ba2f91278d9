/** Saves on their way: what the page must tell about each, and where a save waits for a person's decision. */
import type { SaveKind } from './base.ts'
import type { Problem } from './env.ts'

/** The version that stands in the way of a save. */
export type Newer = { version: string; savedBy: string; agoMs: number | null }

export type SaveState =
  | { state: 'saving' }
  /** Somebody saved meanwhile: replace that, or take it over? */
  | { state: 'conflict'; newer: Newer }
  /** The viewer died twice under it: a person must want it again. */
  | { state: 'gave-up' }
  /** Refused; cellxgene tries again by itself, no sooner than after a pause. */
  | { state: 'refused'; problem: Problem }

export type Saves = {
  /** Newest state of each kind with something to tell. */
  list(): { kind: SaveKind; save: SaveState }[]
  begin(kind: SaveKind): void
  /** Resolves when the user has chosen to replace the newer version; the other choice reloads the page. */
  conflict(kind: SaveKind, newer: Newer): Promise<void>
  /** Resolves when the user wants another try. */
  gaveUp(kind: SaveKind): Promise<void>
  refused(kind: SaveKind, problem: Problem): void
  done(kind: SaveKind): void
  /** How long the next save of this kind waits after refusals, ms: cellxgene alone would repeat every 2.5 s for ever. */
  pauseMs(kind: SaveKind): number
  /** The user's word: keep mine, or try again now. */
  goOn(kind: SaveKind): void
  onGoOn(kind: SaveKind, then: () => void): void
}

export function createSaves(changed: () => void): Saves {
  const states = new Map<SaveKind, SaveState>()
  const refusals = new Map<SaveKind, number>()
  const waiting = new Map<SaveKind, () => void>()
  const set = (kind: SaveKind, save: SaveState) => {
    states.set(kind, save)
    changed()
  }
  const untilTold = (kind: SaveKind) => new Promise<void>((resolve) => waiting.set(kind, resolve))
  return {
    list: () => [...states].map(([kind, save]) => ({ kind, save })),
    begin(kind) {
      // A refusal stays on show while the next attempt waits its turn.
      if (states.get(kind)?.state !== 'refused') set(kind, { state: 'saving' })
    },
    conflict(kind, newer) {
      set(kind, { state: 'conflict', newer })
      return untilTold(kind)
    },
    gaveUp(kind) {
      set(kind, { state: 'gave-up' })
      return untilTold(kind)
    },
    refused(kind, problem) {
      refusals.set(kind, (refusals.get(kind) ?? 0) + 1)
      set(kind, { state: 'refused', problem })
    },
    done(kind) {
      refusals.delete(kind)
      states.delete(kind)
      changed()
    },
    pauseMs(kind) {
      const count = refusals.get(kind) ?? 0
      return count === 0 ? 0 : Math.min(60_000, 2_500 * 2 ** count)
    },
    goOn(kind) {
      const resolve = waiting.get(kind)
      waiting.delete(kind)
      if (resolve) set(kind, { state: 'saving' })
      resolve?.()
    },
    onGoOn: (kind, then) => void waiting.set(kind, then),
  }
}
