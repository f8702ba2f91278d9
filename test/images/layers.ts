/** How large an image is, layer by layer: as it lies on the disk, and as a deploy sends it, compressed with zstd. */
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { podman } from './commands.ts'

export type Layer = { what: string; bytes: number; zstdBytes: number }

type Step = { size: number; CreatedBy: string }
type Manifest = { layers: { mediaType: string; size: number }[] }

/** From the first layer to the last, each named after the line of the Dockerfile that made it. */
export async function layersOf(image: string, dockerfile: string): Promise<Layer[]> {
  const steps = JSON.parse((await podman(['history', '--no-trunc', '--format', 'json', image])).stdout) as Step[]
  const folder = mkdtempSync(path.join(tmpdir(), 'cxod-layers-'))
  try {
    const format = ['--format', 'oci', '--compress', '--compression-format', 'zstd']
    await podman(['push', '--quiet', ...format, image, `dir:${folder}`], { timeoutMs: 300_000 })
    const { layers } = JSON.parse(readFileSync(path.join(folder, 'manifest.json'), 'utf8')) as Manifest
    const added = steps.filter(({ CreatedBy }) => /(COPY|ADD) /.test(CreatedBy)).reverse()
    const [last = ''] = readFileSync(dockerfile, 'utf8')
      .split(/^FROM /m)
      .slice(-1)
    const lines = last.split('\n').filter((line) => line.startsWith('COPY '))
    if (layers.some(({ mediaType }) => !mediaType.endsWith('zstd')))
      throw new Error('podman did not compress with zstd')
    if (added.length !== layers.length || lines.length !== layers.length)
      throw new Error(`${layers.length} layers of ${lines.length} lines that add files: the table would be wrong`)
    return layers.map(({ size }, at) => ({ what: lines[at] ?? '', bytes: added[at]?.size ?? 0, zstdBytes: size }))
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
}

const mb = (bytes: number): string => (bytes / 1e6).toFixed(bytes < 1e6 ? 2 : 1).padStart(7)

export function tableOf(layers: readonly Layer[]): string {
  const sum = (pick: (layer: Layer) => number) => layers.reduce((all, layer) => all + pick(layer), 0)
  const rows = [
    ...layers,
    { what: 'together', bytes: sum(({ bytes }) => bytes), zstdBytes: sum(({ zstdBytes }) => zstdBytes) },
  ]
  const lines = rows.map(({ what, bytes, zstdBytes }) => `  ${mb(bytes)} MB  ${mb(zstdBytes)} MB zstd  ${what}`)
  return lines.join('\n')
}
