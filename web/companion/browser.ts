/** What the companion takes from the real browser. */
import type { Env } from './env.ts'
import type { Storage } from './notes.ts'

/** @param real the browser's own fetch */
export function browserEnv(real: typeof fetch): Env {
  return {
    fetch: real,
    now: () => performance.now(),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const timer = Number.isFinite(ms) ? setTimeout(resolve, ms) : undefined
        signal?.addEventListener('abort', () => {
          clearTimeout(timer)
          resolve()
        })
      }),
    visible: () => document.visibilityState === 'visible',
  }
}

/** Where a browser keeps nothing (private windows, settings), what is kept lasts as long as the page. */
export function browserStorage(): Storage {
  const own = new Map<string, string>()
  return {
    get(key) {
      try {
        return localStorage.getItem(key) ?? own.get(key) ?? null
      } catch {
        return own.get(key) ?? null
      }
    },
    set(key, value) {
      own.set(key, value)
      try {
        localStorage.setItem(key, value)
      } catch {
        // Then it is told once more.
      }
    },
  }
}

/** cellxgene has changes that it has not sent yet, or that were not answered yet. */
export const unsentInPage = (): boolean => document.querySelector('[data-testclass="autosave-incomplete"]') !== null

export function giveFile(name: string, content: BlobPart): void {
  const url = URL.createObjectURL(new Blob([content], { type: 'text/csv;charset=utf-8' }))
  const link = document.createElement('a')
  link.href = url
  link.download = name
  link.click()
  // The browser may read it a while after the click.
  setTimeout(() => URL.revokeObjectURL(url), 60_000)
}
