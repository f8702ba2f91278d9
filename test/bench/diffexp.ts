/** Differential expression, ours against cellxgene's own, on 100,000 cells × 20,000 genes (100 M stored values, CSR). */
import { existsSync, mkdirSync, renameSync } from 'node:fs'
import path from 'node:path'
import { projectRoot } from '../../functions/setup/python.ts'
import { run } from '../../functions/setup/run.ts'
import { type BenchContext, type Figure, figure } from './types.ts'

type Measured = { seconds: number; extraMib: number; genes: string[] }

export async function bench(context: BenchContext): Promise<Figure[]> {
  const file = await data(context)
  const ours = await measure(context, file, 'ours')
  const peer = await measure(context, file, 'plain')
  if (ours.genes.join() !== peer.genes.join())
    throw new Error('The two do not name the same genes: no figure is worth anything.')
  return [
    figure('diffexp-s', 's', ours.seconds, peer.seconds),
    figure('diffexp-extra-mib', 'MiB', ours.extraMib, peer.extraMib),
  ]
}

async function data({ cache, python, say }: BenchContext): Promise<string> {
  const file = path.join(cache, 'cells-100k-20k.h5ad')
  if (existsSync(file)) return file
  say('making 100,000 cells × 20,000 genes (800 MB, kept) …')
  mkdirSync(cache, { recursive: true })
  const made = await run(python, ['-I', path.join(projectRoot(), 'test/viewer/make_data.py'), `${file}.half`])
  if (made.code !== 0) throw new Error(`The data could not be made: ${made.lines.slice(-3).join(' | ')}`)
  renameSync(`${file}.half`, file)
  return file
}

/** In a process of its own, so that what one leaves in memory is not the other's. */
async function measure({ python, say }: BenchContext, file: string, whose: 'ours' | 'plain'): Promise<Measured> {
  const script = path.join(projectRoot(), 'test/bench/diffexp_once.py')
  const ran = await run(python, ['-I', script, whose, file], {
    env: { ...process.env, CXOD_VIEWER: path.join(projectRoot(), 'functions/viewer') },
  })
  if (ran.code !== 0) throw new Error(`${whose}: ${ran.lines.slice(-5).join(' | ')}`)
  const measured = JSON.parse(ran.lines.at(-1) ?? '') as Measured
  say(`${whose}: ${measured.seconds.toFixed(2)} s, +${measured.extraMib.toFixed(0)} MiB`)
  return measured
}
