/** How much memory a viewer gets: an estimate from the index, rounded up to a ladder of sizes. */

export type TaskSize = {
  /** Of the whole task, MiB. One machine bounds the viewer with it; on Fargate the gate's share comes off first. */
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

/** Types that cellxgene turns into float32 after reading, so that for a moment both are there (`_validate_data_types`). */
const widened: readonly string[] = ['bool', 'int8', 'uint8', 'int16', 'uint16', 'float16']

/**
 * Highest resident memory of our viewer (cellxgene 1.3.0, anndata 0.12, Python 3.11) with a file loaded and the page's
 * first questions and six genes answered, MiB: 220 for the program, everything in the file as it is in memory (layers and
 * raw too: cellxgene reads the whole file), and 0.5 KB per cell for answers. The matrix keeps the type it has in the file,
 * index included, but for narrow types. Compression in the file changes nothing.
 *
 * Measured : estimated, MiB (50 M values in 50k × 10k sparse, 20k × 5k dense, unless said otherwise; the test holds them):
 * 2k cells, 0.4 M values 203 : 225 · csr float32 636 : 643 · csc 641 : 643 · gzip 646 : 643 · int32 635 : 643 ·
 * float64 835 : 834 · int64 837 : 834 · int64 index 827 : 834 · uint16 905 : 929 · with a layer 1,019 : 1,025 ·
 * with raw 1,029 : 1,026 · 100k cells, 100 M values 1,060 : 1,065 · 400k cells, 8 M values 557 : 606 ·
 * dense float32 596 : 619 · float64 979 : 1,000 · int64 979 : 1,000 · float16 778 : 809 · uint8 683 : 714
 * @param shape what the file holds; `indexBytes` per stored value of a sparse matrix, 0 for a dense one; `otherBytes` in
 *   memory of everything but X
 */
export function estimateMemoryMiB(shape: {
  cells: number
  storedValues: number
  /** numpy's name, as `float32`. */
  dtype: string
  indexBytes: number
  otherBytes: number
}): number {
  const { cells, storedValues, dtype, indexBytes, otherBytes } = shape
  const valueBytes = dtype === 'bool' ? 1 : Number(/\d+$/.exec(dtype)?.[0] ?? 64) / 8
  const asRead = storedValues * (valueBytes + indexBytes)
  const asWidened = widened.includes(dtype) ? storedValues * (4 + indexBytes) : 0
  return Math.ceil(220 + (asRead + asWidened + otherBytes + 512 * cells) / 2 ** 20)
}

/** Room above the estimate for answers under way and one differential expression (measured: under 110 MiB). */
export const headroomMiB = 400

/**
 * The smallest size that holds the estimate and its headroom; the largest there is when none does.
 * @param besideMiB what else lives in a task's memory: the gate, where one task holds both; 0 where the viewer has it all
 */
export function sizeFor(estimateMiB: number, besideMiB: number): TaskSize {
  const needMiB = estimateMiB + headroomMiB + besideMiB
  return sizes.find((size) => size.memoryMiB >= needMiB) ?? (sizes[sizes.length - 1] as TaskSize)
}

/** The next rung of the ladder, or null at its end. */
export function nextLarger(size: TaskSize): TaskSize | null {
  return sizes.find((larger) => larger.memoryMiB > size.memoryMiB) ?? null
}
