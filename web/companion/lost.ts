/** Calls that were given up because viewers died under them: each waits until a person says what becomes of it. */
import type { Call } from './attempt.ts'

export type Lost = {
  /** Resolves with true when the user wants another try, with false when it may fail. */
  ask(call: Call): Promise<boolean>
  /** What was asked for, in words, oldest first. */
  list(): string[]
  answer(again: boolean): void
}

const names: Readonly<Record<string, string>> = {
  'diffexp/obs': 'differential expression',
  'data/var': 'a gene’s expression',
  'summarize/var': 'a gene set’s expression',
  'layout/obs': 'an embedding',
  'annotations/obs': 'a column of the cells',
  'annotations/var': 'the names of the genes',
}

export function createLost(changed: () => void): Lost {
  const waiting = new Map<Call, (again: boolean) => void>()
  return {
    ask(call) {
      call.signal.addEventListener('abort', () => {
        waiting.get(call)?.(false)
        if (waiting.delete(call)) changed()
      })
      return new Promise((resolve) => {
        waiting.set(call, resolve)
        changed()
      })
    },
    list: () => [...new Set([...waiting.keys()].map(({ rest }) => wordsFor(rest)))],
    answer(again) {
      for (const resolve of waiting.values()) resolve(again)
      waiting.clear()
      changed()
    },
  }
}

/** @param rest as `api/v0.2/data/var?…` */
const wordsFor = (rest: string): string => {
  const path = rest.slice('api/v0.2/'.length).replace(/\?.*$/, '')
  return (Object.hasOwn(names, path) ? names[path] : undefined) ?? 'opening the dataset'
}
