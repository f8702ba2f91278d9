/** What is done to the launcher, scene by scene; each ends with the same questions: is anything lost, left running or stuck? */
import { execFileSync } from 'node:child_process'
import { mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Annotator } from './annotator.ts'
import type { Role, Site } from './site.ts'

export type SceneContext = {
  site: Site
  /** [0, 1), from the seed. */
  random(): number
  /** How often each kill is repeated, and how long the random ones go on. */
  rounds: number
  minutes: number
  say(words: string): void
}

/** @returns how many times something was done to it, and what went wrong meanwhile; null: can't be done here, with why */
export type Scene = (context: SceneContext) => Promise<{ runs: number; problems: string[] } | { skipped: string }>

const roles: readonly Role[] = ['viewer', 'gate', 'launcher']

async function one(site: Site): Promise<Annotator> {
  return (await site.people(1, ['one']))[0] as Annotator
}

async function untilStage(who: Annotator, holds: (state: string) => boolean, ms = 60_000): Promise<void> {
  for (const until = performance.now() + ms; performance.now() < until; await sleep(20)) {
    const now = await who.status().catch(() => null)
    if (now && holds(now.state)) return
  }
}

/** kill -9 of each at each step of a launch: when it has begun, a little later each time, and when it is ready. */
const launch: Scene = async ({ site, rounds }) => {
  const who = await one(site)
  let runs = 0
  for (let round = 0; round < rounds; round++)
    for (const role of roles)
      for (const afterMs of [0, 150, 500, 1200]) {
        await who.post('stop').catch(() => 0)
        await untilStage(who, (state) => ['asleep', 'none', 'lost', 'failed'].includes(state))
        await who.post('wake', { by: 'click' }).catch(() => 0)
        await sleep(afterMs)
        await site.kill(role)
        await who.ready()
        runs++
      }
  await who.save()
  return { runs, problems: [] }
}

/** kill -9 of each while a save is on its way: before the viewer has it, between viewer and vault, before the answer. */
const save: Scene = async ({ site, rounds }) => {
  const who = await one(site)
  let runs = 0
  await who.ready()
  for (let round = 0; round < rounds; round++)
    for (const role of roles)
      for (const afterMs of [0, 4, 12, 30]) {
        let killing: Promise<boolean> | null = null
        const sent = () => {
          killing = sleep(afterMs).then(() => site.kill(role))
        }
        await who.save({ sent })
        await killing
        await who.save()
        runs++
      }
  return { runs, problems: [] }
}

/** kill -9 of each while a viewer is stopped by its user. */
const stop: Scene = async ({ site, rounds }) => {
  const who = await one(site)
  let runs = 0
  for (let round = 0; round < rounds; round++)
    for (const role of roles)
      for (const afterMs of [0, 10, 60]) {
        await who.save()
        const stopping = who.post('stop').catch(() => 0)
        await sleep(afterMs)
        await site.kill(role)
        await stopping
        await who.ready()
        runs++
      }
  return { runs, problems: [] }
}

/** kill -9 of each around the moment when the reaper puts an idle viewer to sleep (idle time: 4 s). */
const reap: Scene = async ({ site, rounds }) => {
  const who = await one(site)
  let runs = 0
  for (let round = 0; round < rounds; round++)
    for (const role of roles) {
      await who.save()
      await untilStage(who, (state) => state !== 'ready', 30_000)
      await site.kill(role)
      await who.ready()
      runs++
    }
  return { runs, problems: [] }
}

/** The folder of the labels is not there, or is something else: a save says so, is not acknowledged, and works again after. */
const vaultGone: Scene = async ({ site }) => {
  const who = await one(site)
  await who.save()
  const vault = path.join(site.stateDir, 'vault')
  renameSync(vault, `${vault}.away`)
  writeFileSync(vault, 'not a folder')
  const refused = await who.trySave()
  rmSync(vault)
  renameSync(`${vault}.away`, vault)
  const problems = refused.status === 200 ? ['a save without a vault was acknowledged'] : []
  if (refused.status !== 503 && refused.status !== 0) problems.push(`it said ${refused.status} ${refused.code}`)
  await who.save()
  return { runs: 1, problems }
}

/** No room on the disk that keeps annotations: as root a tiny disk is put there; elsewhere this can't be made. */
const diskFull: Scene = async ({ site }) => {
  const vault = path.join(site.stateDir, 'vault')
  const who = await one(site)
  await who.save()
  const away = `${vault}.away`
  const mount = (...args: string[]) => execFileSync('mount', args, { stdio: 'ignore' })
  try {
    mkdirSync(away, { recursive: true })
    mount('-t', 'tmpfs', '-o', 'size=192k', 'drill', away)
  } catch {
    return { skipped: 'only root can mount a small disk here' }
  }
  try {
    // What is kept moves to the small disk, which is then filled.
    execFileSync('cp', ['-a', `${vault}/.`, away])
    mount('--bind', away, vault)
    try {
      writeFileSync(path.join(away, 'filler'), Buffer.alloc(192 * 1024))
    } catch {
      // Full: that is the point.
    }
    const refused = await who.trySave()
    const problems = refused.status === 200 ? ['a save on a full disk was acknowledged'] : []
    if (refused.status !== 503 && refused.status !== 0) problems.push(`it said ${refused.status} ${refused.code}`)
    rmSync(path.join(away, 'filler'))
    await who.save()
    return { runs: 1, problems }
  } finally {
    execFileSync('umount', [vault], { stdio: 'ignore' })
    execFileSync('cp', ['-a', `${away}/.`, vault])
    execFileSync('umount', [away], { stdio: 'ignore' })
    rmSync(away, { recursive: true, force: true })
  }
}

/** A disk that hangs: the launcher stands still in the middle of saves, as it does in a write that does not return. */
const stall: Scene = async ({ site, rounds }) => {
  const who = await one(site)
  await who.ready()
  for (let round = 0; round < rounds; round++) {
    const pid = site.launcher().child.pid ?? 0
    const sent = () => {
      process.kill(pid, 'SIGSTOP')
      setTimeout(() => process.kill(pid, 'SIGCONT'), 4000)
    }
    await who.save({ sent })
  }
  return { runs: rounds, problems: [] }
}

/** Several people save over and over while gates, viewers and the launcher are killed at random. */
const annotators: Scene = async ({ site, random, minutes, say }) => {
  const people = await site.people(3, ['one', 'two'])
  const until = performance.now() + minutes * 60_000
  let runs = 0
  let over = false
  const work = people.map(async (who) => {
    while (!over) {
      await who.save({ timeoutMs: 180_000 })
      await sleep(100 + random() * 400)
    }
  })
  const failed = Promise.all(work).then(
    () => null,
    (error: unknown) => String(error),
  )
  const killing = (async () => {
    let told = performance.now()
    while (performance.now() < until) {
      await sleep(500 + random() * 4000)
      const role = random() < 0.1 ? 'launcher' : random() < 0.5 ? 'gate' : 'viewer'
      if (await site.kill(role)) runs++
      if (performance.now() - told < 60_000) continue
      told = performance.now()
      const saves = people.reduce((sum, { acknowledged }) => sum + acknowledged.length, 0)
      say(`${runs} kills, ${saves} saves acknowledged, ${Math.ceil((until - performance.now()) / 60_000)} min left`)
    }
    over = true
  })()
  await killing
  const error = await failed
  return { runs, problems: error === null ? [] : [error] }
}

export const scenes: Readonly<Record<string, { what: string; args: readonly string[]; scene: Scene }>> = {
  launch: { what: 'kill -9 at each step of a launch', args: [], scene: launch },
  save: { what: 'kill -9 while a save is on its way', args: [], scene: save },
  stop: { what: 'kill -9 while a viewer is stopped', args: [], scene: stop },
  reap: { what: 'kill -9 while an idle viewer is put to sleep', args: ['--idle', '4s'], scene: reap },
  'vault-gone': { what: 'the folder of annotations can’t be read or written', args: [], scene: vaultGone },
  'disk-full': { what: 'the disk of annotations is full', args: [], scene: diskFull },
  stall: { what: 'the launcher hangs for 4 s in the middle of a save', args: [], scene: stall },
  annotators: { what: 'three people on two datasets under random kills', args: [], scene: annotators },
}
