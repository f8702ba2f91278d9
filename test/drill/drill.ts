/** Runs scenes, each on a launcher of its own, asks afterwards what is lost, left or stuck, and makes the table. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { clockScene } from './clock-jump.ts'
import { type SceneContext, scenes } from './scenes.ts'
import { openSite } from './site.ts'

export type Verdict = {
  scene: string
  what: string
  runs: number
  acknowledged: number
  lost: string[]
  orphans: string[]
  stuck: string[]
  problems: string[]
  seconds: number
  verdict: 'ok' | 'FAILED' | 'skipped'
  /** Why it was skipped. */
  note: string
}

export type DrillOptions = {
  seed: number
  rounds: number
  minutes: number
  only: readonly string[]
  say(words: string): void
}

export const sceneNames = [...Object.keys(scenes), 'clock']

/** mulberry32: the same seed, the same kills. */
function randomOf(seed: number): () => number {
  let a = seed
  return () => {
    a = (a + 0x6d2b79f5) | 0
    let t = Math.imul(a ^ (a >>> 15), 1 | a)
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296
  }
}

export async function drill(options: DrillOptions): Promise<Verdict[]> {
  const verdicts: Verdict[] = []
  for (const name of options.only.length > 0 ? options.only : sceneNames) {
    options.say(`${name} …`)
    const verdict = name === 'clock' ? await clock(options) : await run(name, options)
    verdicts.push(verdict)
    options.say(
      `${name}: ${verdict.verdict}${verdict.note ? ` (${verdict.note})` : ''}, ${verdict.runs} runs, ${verdict.seconds} s`,
    )
    for (const line of [...verdict.problems, ...verdict.lost, ...verdict.orphans, ...verdict.stuck].slice(0, 20))
      options.say(`  ${line}`)
  }
  return verdicts
}

async function run(name: string, options: DrillOptions): Promise<Verdict> {
  const entry = scenes[name]
  if (!entry) throw new Error(`No scene is called ${name}; there are ${sceneNames.join(', ')}.`)
  const started = performance.now()
  const dir = mkdtempSync(path.join(tmpdir(), 'cxod-drill-'))
  const site = await openSite(dir, entry.args)
  const empty = { scene: name, what: entry.what, runs: 0, acknowledged: 0, note: '' }
  const found = { lost: [] as string[], orphans: [] as string[], stuck: [] as string[], problems: [] as string[] }
  try {
    const context: SceneContext = { ...options, site, random: randomOf(options.seed) }
    const outcome = await entry.scene(context).catch((error: unknown) => ({ runs: 0, problems: [String(error)] }))
    const seconds = () => Math.round((performance.now() - started) / 1000)
    if ('skipped' in outcome)
      return { ...empty, ...found, seconds: seconds(), verdict: 'skipped', note: outcome.skipped }
    const people = await site.people(0, [])
    for (const who of people)
      found.lost.push(...(await who.check()).map((line) => `${who.name}: ${line}`), ...who.faults)
    found.problems.push(...outcome.problems)
    // Everybody's viewer must still be there for the asking, with everything in it.
    for (const who of people) await who.ready().catch((error: unknown) => found.stuck.push(String(error)))
    const left = await site.leftOvers()
    found.orphans.push(...left.orphans)
    found.stuck.push(...left.stuck)
    const acknowledged = people.reduce((sum, { acknowledged: all }) => sum + all.length, 0)
    const bad = Object.values(found).some((lines) => lines.length > 0)
    return { ...empty, ...found, runs: outcome.runs, acknowledged, seconds: seconds(), verdict: bad ? 'FAILED' : 'ok' }
  } finally {
    await site.close()
    rmSync(dir, { recursive: true, force: true })
  }
}

async function clock({ say }: DrillOptions): Promise<Verdict> {
  const started = performance.now()
  const dir = mkdtempSync(path.join(tmpdir(), 'cxod-drill-'))
  const problems = await clockScene(dir, say).catch((error: unknown) => [String(error)])
  rmSync(dir, { recursive: true, force: true })
  return {
    ...{ scene: 'clock', what: 'the clock jumps by an hour and a day, forward and back', runs: 4, acknowledged: 4 },
    ...{ lost: [], orphans: [], stuck: [], problems, note: 'stand-in viewer' },
    seconds: Math.round((performance.now() - started) / 1000),
    verdict: problems.length > 0 ? 'FAILED' : 'ok',
  }
}

export function tableOf(verdicts: readonly Verdict[]): string {
  const rows = [
    ['scene', 'runs', 'acknowledged', 'lost', 'orphans', 'stuck', 'seconds', 'verdict', ''],
    ...verdicts.map((one) => [
      ...[one.scene, `${one.runs}`, `${one.acknowledged}`],
      ...[one.lost.length, one.orphans.length, one.stuck.length].map(String),
      ...[`${one.seconds}`, one.verdict, one.note || one.what],
    ]),
  ]
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows
    .map((row) =>
      row
        .map((cell, at) => cell.padEnd(widths[at] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
