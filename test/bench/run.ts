/** `npm run bench [-- --json FILE] [-- NAME …]`: ours and theirs side by side, in one run on one machine. */
import { writeFileSync } from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { ensurePython, projectRoot } from '../../functions/setup/python.ts'
import { SetupError, say } from '../../functions/setup/words.mjs'
import { cacheFolder, ensureTools } from '../run/tools.ts'
import { builtPrograms } from '../support/built.ts'
import { benches } from './benches.ts'
import type { BenchContext, Figure } from './types.ts'

const help = `npm run bench                 everything, ours and theirs side by side, as a table
npm run bench -- NAME …       only these: ${Object.keys(benches).join(', ')}
  --json FILE                 the figures as JSON, too
`

/** @returns the file for the figures, and the benchmarks asked for */
function readArguments(words: readonly string[]): { json: string | null; names: string[] } {
  const at = words.indexOf('--json')
  const json = at < 0 ? null : words[at + 1]
  if (json === undefined) throw new SetupError('--json: name a file.')
  const names = words.filter((_, index) => at < 0 || (index !== at && index !== at + 1))
  const unknown = names.filter((name) => !(name in benches))
  if (unknown.length > 0)
    throw new SetupError(`No benchmark is called ${unknown.join(', ')}; there are ${Object.keys(benches).join(', ')}.`)
  return { json: json === null ? null : path.resolve(json), names: names.length > 0 ? names : Object.keys(benches) }
}

function table(figures: readonly Figure[]): string {
  const rows = [
    ['figure', 'ours', 'peer', 'ours ÷ peer', 'unit'],
    ...figures.map(({ name, ours, peer, ratio, unit }) => [name, `${ours}`, `${peer}`, `${ratio}`, unit]),
  ]
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0))) ?? []
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

async function run(): Promise<void> {
  const { json, names } = readArguments(process.argv.slice(2))
  const found = await ensureTools()
  Object.assign(process.env, found)
  const cache = path.join(cacheFolder(), 'bench')
  const context: BenchContext = {
    cache,
    python: found.CXOD_TEST_PYTHON ?? '',
    sample: found.CXOD_TEST_SAMPLE ?? '',
    dist: await builtPrograms(),
    gateway: () =>
      ensurePython({
        folder: path.join(cache, 'gateway'),
        wanted: process.env.CXOD_PYTHON ?? null,
        requirements: path.join(projectRoot(), 'test/bench/gateway-requirements.txt'),
        what: 'cellxgene-gateway, to compare with',
      }),
    say,
  }
  say(`${os.cpus().length} × ${os.cpus()[0]?.model.trim() ?? 'processor'}, Node ${process.versions.node}`)
  const figures: Figure[] = []
  for (const name of names) {
    say(`\n── ${name}`)
    // One that fails must not cost the figures of the others; the exit code tells.
    try {
      figures.push(...((await benches[name]?.(context)) ?? []))
    } catch (error) {
      say(error instanceof Error ? (error.stack ?? error.message) : String(error))
      process.exitCode = 1
    }
  }
  process.stdout.write(`\n${table(figures)}\n`)
  if (json !== null) writeFileSync(json, `${JSON.stringify(figures, null, 2)}\n`)
}

if (process.argv.includes('--help') || process.argv.includes('-h')) process.stdout.write(help)
else await run()
