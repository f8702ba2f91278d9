/** Whether anybody still waits for an answer. An AbortSignal that most requests never make: each costs a twentieth of a request. */

export type Gone = {
  readonly aborted: boolean
  /** Made when first asked for. */
  readonly signal: AbortSignal
  abort(): void
  /** @returns to call when it is of no interest any more */
  onAbort(listener: () => void): () => void
}

export function createGone(): Gone {
  const listeners = new Set<() => void>()
  let controller: AbortController | null = null
  let aborted = false
  return {
    get aborted() {
      return aborted
    },
    get signal() {
      controller ??= new AbortController()
      if (aborted) controller.abort()
      return controller.signal
    },
    abort() {
      if (aborted) return
      aborted = true
      controller?.abort()
      for (const listener of listeners) listener()
      listeners.clear()
    },
    onAbort(listener) {
      if (aborted) listener()
      else listeners.add(listener)
      return () => listeners.delete(listener)
    },
  }
}
