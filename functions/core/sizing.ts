/** How much memory a viewer gets: an estimate from the index, rounded up to a ladder of sizes. */

export type TaskSize = {
  /** Hard bound of the viewer, MiB. */
  memoryMiB: number
  /** Share of processors, in vCPU. */
  vcpu: number
}

/** Sizes that exist, smallest first. The pairs are valid on Fargate, so that both platforms tell the same story. */
export const sizes: readonly TaskSize[] = [
  { memoryMiB: 1024, vcpu: 0.5 },
  { memoryMiB: 2048, vcpu: 1 },
  { memoryMiB: 4096, vcpu: 1 },
  { memoryMiB: 8192, vcpu: 2 },
  { memoryMiB: 16384, vcpu: 4 },
  { memoryMiB: 30720, vcpu: 4 },
  { memoryMiB: 61440, vcpu: 8 },
  { memoryMiB: 122880, vcpu: 16 },
]

/**
 * Resident memory of cellxgene 1.3.0 with a file loaded, in MiB: 300 + 8 B per stored value (4 B of value and 4 B of
 * column; a dense matrix: 4 B) + 0.5 KB per cell. Measured: 700 cells 298 MiB, 100k × 20k with 100 M values 1,120 MiB.
 * @param shape counts from the index
 */
export function estimateMemoryMiB(shape: {
  cells: number
  storedValues: number
  layout: 'dense' | 'csr' | 'csc'
  dtype: string
  indexBytes: number
  otherBytes: number
}): number {
  const perValue = shape.layout === 'dense' ? 4 : 8
  return Math.ceil(300 + (perValue * shape.storedValues) / 2 ** 20 + (0.5 * 1024 * shape.cells) / 2 ** 20)
}

/** Room above the estimate for answers under way and one differential expression (measured: under 110 MiB). */
export const headroomMiB = 400

/** The smallest size that holds the estimate and its headroom; the largest there is when none does. */
export function sizeFor(estimateMiB: number): TaskSize {
  return sizes.find((size) => size.memoryMiB >= estimateMiB + headroomMiB) ?? (sizes[sizes.length - 1] as TaskSize)
}

/** The next rung of the ladder, or null at its end. */
export function nextLarger(size: TaskSize): TaskSize | null {
  return sizes.find((larger) => larger.memoryMiB > size.memoryMiB) ?? null
}
