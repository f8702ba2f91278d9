/** Reports of what became of labels, shown after the page was loaded again, until somebody has said "OK". */
import type { LobbyStatus, MergeAnswer } from '../../functions/api/contract/lobby.ts'
import type { SaveKind } from './base.ts'
import type { Told } from './model.ts'

export type Notes = {
  /** To be told when the page is loaded again. */
  keep(kind: SaveKind, how: Told['how'], answer: MergeAnswer): void
  /** @param carried as the lobby has it now */
  list(carried: LobbyStatus['carried']): Told[]
  dismiss(carried: LobbyStatus['carried']): void
}

type Kept = { notes: Told[]; seen: string }

/** Set by the browser's own storage; a person may have switched that off. */
export type Storage = { get(key: string): string | null; set(key: string, value: string): void }

/** @param key whose page it is, and which: all pages of the view origin share one storage */
export function createNotes(storage: Storage, key: string): Notes {
  const atStart = read(storage.get(key))
  let kept = atStart
  const write = (next: Kept) => {
    kept = next
    storage.set(key, JSON.stringify(next))
  }
  return {
    keep(kind, how, { report }) {
      const notes = kept.notes.filter((note) => note.kind !== kind)
      write({ ...kept, notes: [...notes, { kind, how, report }] })
    },
    list(carried) {
      // What this page itself has brought about is told by the next one.
      const notes = atStart === kept || kept.notes.length === 0 ? kept.notes : []
      const known = carried === null || carried.version === kept.seen
      // The page's own last save was brought over with the rest, and its report covers both.
      const covered = notes.some(({ kind, how }) => kind === 'labels' && how === 'carried')
      return known || covered ? notes : [{ kind: 'labels', how: 'carried', report: carried.report }, ...notes]
    },
    dismiss(carried) {
      write({ notes: [], seen: carried?.version ?? kept.seen })
    },
  }
}

function read(text: string | null): Kept {
  try {
    const kept = JSON.parse(text ?? '') as Kept
    if (Array.isArray(kept.notes) && typeof kept.seen === 'string') return kept
  } catch {
    // Nothing there yet, or somebody else's.
  }
  return { notes: [], seen: '' }
}
