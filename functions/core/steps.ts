/**
 * Long work in steps of a few milliseconds: who runs it decides what happens between them. Counted in words and not by a clock, so
 * that the same work has the same steps everywhere.
 */
export type Steps<T> = Generator<undefined, T, undefined>

/** What is read, compared or written in one step: two milliseconds or so, ten on a busy machine. */
const wordsPerStep = 8_192

/**
 * True whenever a step has been done: `if (due()) yield`.
 * @param words handled between two calls
 */
export function stepsOf(words: number): () => boolean {
  let left = wordsPerStep
  return () => {
    left -= words
    if (left > 0) return false
    left = wordsPerStep
    return true
  }
}

/** To its end at once, for what is small or has a thread of its own. */
export function atOnce<T>(steps: Steps<T>): T {
  for (;;) {
    const { done, value } = steps.next()
    if (done) return value
  }
}

export function* setOf<T>(items: readonly T[]): Steps<Set<T>> {
  const set = new Set<T>()
  const due = stepsOf(1)
  for (const item of items) {
    set.add(item)
    if (due()) yield
  }
  return set
}
