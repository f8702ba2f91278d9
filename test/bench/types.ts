/** What a benchmark is given, and what it hands back. */

/** One line of the table. `ratio` is ours ÷ peer, in the unit's own direction: for seconds less is better, for req/s more. */
export type Figure = { name: string; ours: number; peer: number; ratio: number; unit: string }

export type BenchContext = {
  /** Git-ignored folder for data that benchmarks make; kept between runs. */
  cache: string
  /** Interpreter of the viewer's environment: cellxgene 1.3.0 and waitress. */
  python: string
  /** `10x_pbmc68k_reduced.h5ad`. */
  sample: string
  /** Folder of the bundled programs, up to date. */
  dist: string
  /** Interpreter of an environment with cellxgene-gateway 0.4.2 and gunicorn; made at the first call. */
  gateway(): Promise<string>
  /** A line for whoever watches. */
  say(line: string): void
}

export type Bench = (context: BenchContext) => Promise<Figure[]>

/** @param peer must not be 0 */
export function figure(name: string, unit: string, ours: number, peer: number): Figure {
  return { name, ours: round(ours), peer: round(peer), ratio: round(ours / peer), unit }
}

/** Three significant figures: no run repeats more. */
const round = (value: number): number => Number(value.toPrecision(3))

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted[Math.floor(sorted.length / 2)]
  if (middle === undefined) throw new Error('No run, no median.')
  return middle
}
