/**
 * Whose fault was it? When a viewer dies, everything that was on its way to it is suspect. Suspects are repeated one at a
 * time, saves first and with nothing beside them, so that no save is given up for another call's fault.
 */

/** Saves go first: they are short, and dear. Differential expression goes last: it takes minutes. */
export type Rank = 'save' | 'call' | 'long'
const order: readonly Rank[] = ['save', 'call', 'long']

/** This many suspects in a row that died alone: it is the viewer, and each further try would only cost another one. */
const mostInARow = 2

export type Turns = {
  /** A call without suspicion waits while a save is being repeated. Rejects when the signal aborts. */
  clear(signal: AbortSignal): Promise<void>
  isClear(): boolean
  /**
   * @param question what is asked for, when asking once more is the same again; null otherwise
   * @returns true when it is this suspect's turn, which it must end by `over`; false when no try is left. Rejects when the signal aborts
   */
  mine(rank: Rank, question: string | null, signal: AbortSignal): Promise<boolean>
  /** Has somebody come who goes before this one? Then it ends its turn, and asks for another. */
  yields(rank: Rank): boolean
  /** The turn has ended: with an answer, with a death, or (null) with neither. */
  over(rank: Rank, question: string | null, outcome: 'answered' | 'died' | null): void
  /** Did viewers die of this question, and nobody has said since what becomes of it? Asked again it would cost another. */
  blamed(question: string | null): boolean
  /** Somebody has said it. */
  forgive(question: string | null): void
}

type Waiting = { rank: Rank; question: string | null; tell(mayGo: boolean): void }

export function createTurns(): Turns {
  let waiting: Waiting[] = []
  let active: Rank | null = null
  let inARow = 0
  let clearing: (() => void)[] = []
  const culprits = new Set<string>()
  const blamed = (question: string | null) => question !== null && culprits.has(question)
  const isClear = () => active !== 'save' && !waiting.some(({ rank }) => rank === 'save')

  function next(): void {
    if (active === null) {
      const hopeless = waiting.filter(({ question }) => inARow >= mostInARow || blamed(question))
      waiting = waiting.filter((one) => !hopeless.includes(one))
      for (const { tell } of hopeless) tell(false)
    }
    // Whoever comes now was not on its way then.
    if (active === null && waiting.length === 0) inARow = 0
    if (active === null) {
      const first = order.flatMap((rank) => waiting.filter((one) => one.rank === rank))[0]
      if (first !== undefined) {
        waiting = waiting.filter((one) => one !== first)
        active = first.rank
        first.tell(true)
      }
    }
    if (!isClear()) return
    const told = clearing
    clearing = []
    for (const then of told) then()
  }

  return {
    isClear,
    async clear(signal) {
      while (!isClear()) await abortable<void>(signal, (resolve) => void clearing.push(resolve))
    },
    mine: (rank, question, signal) =>
      abortable(
        signal,
        (resolve) => {
          waiting.push({ rank, question, tell: resolve })
          next()
        },
        (resolve) => {
          waiting = waiting.filter(({ tell }) => tell !== resolve)
          next()
        },
      ),
    yields: (rank) => waiting.some((one) => order.indexOf(one.rank) < order.indexOf(rank)),
    blamed,
    forgive(question) {
      if (question !== null) culprits.delete(question)
    },
    over(rank, question, outcome) {
      if (outcome === 'answered') inARow = 0
      if (outcome === 'died') {
        inARow++
        if (question !== null) culprits.add(question)
      }
      if (active === rank) active = null
      next()
    },
  }
}

function abortable<T>(
  signal: AbortSignal,
  begin: (resolve: (value: T) => void) => void,
  drop: (resolve: (value: T) => void) => void = () => {},
): Promise<T> {
  return new Promise((resolve, reject) => {
    if (signal.aborted) return reject(signal.reason)
    const done = (value: T) => {
      signal.removeEventListener('abort', give)
      resolve(value)
    }
    const give = () => {
      drop(done)
      reject(signal.reason)
    }
    signal.addEventListener('abort', give, { once: true })
    begin(done)
  })
}
