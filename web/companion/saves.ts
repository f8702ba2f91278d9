/** Saves on their way: what the page must tell about each, and where a save waits for a person's decision. */
import type { MergeAnswer } from '../../functions/api/contract/lobby.ts'
import { type SaveKind, saveKinds } from './base.ts'
import type { Problem } from './env.ts'

/** The version that stands in the way of a save. */
export type Newer = { version: string; savedBy: string; agoMs: number | null }

export type SaveState =
  | { state: 'saving' }
  /** Somebody saved meanwhile: replace that, take it over, or keep both? */
  | { state: 'conflict'; newer: Newer }
  /** The viewer died twice under it: a person must want it again. */
  | { state: 'gave-up' }
  /** Refused; cellxgene tries again by itself, no sooner than after a pause. */
  | { state: 'refused'; problem: Problem }
  /** On its way to be kept beside what is there. */
  | { state: 'keeping' }
  /** The launcher can't keep it. */
  | { state: 'not-kept'; problem: Problem }

/**
 * How a wait ended. `go-on`: the user wants this save to go on. `resend`: cellxgene is to send its newest state instead,
 * because what is held may be older than what the page shows.
 */
export type Decision = 'go-on' | 'resend'

export type Saves = {
  /** Newest state of each kind with something to tell. */
  list(): { kind: SaveKind; save: SaveState }[]
  /** @returns aborted when the save is not to wait any longer for a viewer, but to be sent anew */
  begin(kind: SaveKind, body: ArrayBuffer | null): AbortSignal
  conflict(kind: SaveKind, newer: Newer): Promise<Decision>
  /** Resolves when the user wants another try. */
  gaveUp(kind: SaveKind): Promise<Decision>
  refused(kind: SaveKind, problem: Problem): void
  keeping(kind: SaveKind): void
  notKept(kind: SaveKind, problem: Problem): Promise<Decision>
  done(kind: SaveKind): void
  /** Kept beside what is there: whatever follows from this page must be kept so, too, until it is loaded again. */
  kept(kind: SaveKind, answer: MergeAnswer): void
  /** What was kept beside what is there. */
  keptKinds(): SaveKind[]
  /** Is this kind to be kept beside what is there, instead of replacing it? */
  beside(kind: SaveKind): boolean
  /** How long the next save of this kind waits after refusals, ms: cellxgene alone would repeat every 2.5 s for ever. */
  pauseMs(kind: SaveKind): number
  /** The user's word: keep mine, or try again now. */
  goOn(kind: SaveKind): void
  /** The user's word: keep both. */
  keepBoth(kind: SaveKind): void
  /** The page can't save any more as it did (its file is another one): send anew what waits. */
  resendAll(): void
  onGoOn(kind: SaveKind, then: () => void): void
  /** What is not saved, as cellxgene sent it last; asks for its newest state first, within `waitMs`. Null: nothing is unsaved. */
  newest(kind: SaveKind, wait: () => Promise<void>): Promise<ArrayBuffer | null>
}

/** States that stay on show while the next try is under way: a bar that comes and goes helps nobody. */
const lasting: readonly SaveState['state'][] = ['refused', 'conflict', 'not-kept']

/** @param onKept something was kept beside what is there */
export function createSaves(changed: () => void, onKept: (kind: SaveKind, answer: MergeAnswer) => void): Saves {
  const states = new Map<SaveKind, SaveState>()
  const refusals = new Map<SaveKind, number>()
  const waiting = new Map<SaveKind, (decision: Decision) => void>()
  const bodies = new Map<SaveKind, ArrayBuffer | null>()
  const cuts = new Map<SaveKind, AbortController>()
  const besides = new Set<SaveKind>()
  const keptKinds = new Set<SaveKind>()
  const begun = new Map<SaveKind, (() => void)[]>()

  const set = (kind: SaveKind, save: SaveState) => {
    states.set(kind, save)
    changed()
  }
  const untilTold = (kind: SaveKind) => new Promise<Decision>((resolve) => waiting.set(kind, resolve))
  const tell = (kind: SaveKind, decision: Decision): boolean => {
    const resolve = waiting.get(kind)
    waiting.delete(kind)
    resolve?.(decision)
    return resolve !== undefined
  }
  const resend = (kind: SaveKind) => {
    cuts.get(kind)?.abort()
    tell(kind, 'resend')
  }
  const over = (kind: SaveKind) => {
    refusals.delete(kind)
    states.delete(kind)
    bodies.delete(kind)
    cuts.delete(kind)
    changed()
  }

  return {
    list: () => [...states].map(([kind, save]) => ({ kind, save })),
    begin(kind, body) {
      const cut = new AbortController()
      cuts.set(kind, cut)
      bodies.set(kind, body)
      if (!lasting.includes(states.get(kind)?.state ?? 'saving')) set(kind, { state: 'saving' })
      for (const then of begun.get(kind) ?? []) then()
      begun.delete(kind)
      return cut.signal
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
    keeping(kind) {
      if (states.get(kind)?.state !== 'keeping') set(kind, { state: 'keeping' })
    },
    notKept(kind, problem) {
      set(kind, { state: 'not-kept', problem })
      return untilTold(kind)
    },
    done: over,
    kept(kind, answer) {
      besides.add(kind)
      keptKinds.add(kind)
      onKept(kind, answer)
      over(kind)
    },
    keptKinds: () => [...keptKinds],
    beside: (kind) => besides.has(kind),
    pauseMs(kind) {
      const count = refusals.get(kind) ?? 0
      return count === 0 ? 0 : Math.min(60_000, 2_500 * 2 ** count)
    },
    goOn(kind) {
      if (tell(kind, 'go-on')) set(kind, { state: 'saving' })
    },
    keepBoth(kind) {
      besides.add(kind)
      set(kind, { state: 'keeping' })
      resend(kind)
    },
    resendAll() {
      for (const kind of saveKinds) {
        const state = states.get(kind)?.state
        // What is being kept already needs no other way, and what can't be kept would only be refused again.
        if (state === undefined || state === 'keeping' || state === 'not-kept') continue
        if (!cuts.get(kind)?.signal.aborted) resend(kind)
      }
    },
    onGoOn: (kind, then) => void waiting.set(kind, then),
    async newest(kind, wait) {
      const next = new Promise<void>((resolve) => begun.set(kind, [...(begun.get(kind) ?? []), resolve]))
      resend(kind)
      await Promise.race([next, wait()])
      return bodies.get(kind) ?? null
    },
  }
}
