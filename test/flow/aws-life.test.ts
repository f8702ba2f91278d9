/** A session's life on AWS as it is played here: real Lambda bundles, adapters, gates and viewers; refused, taken back, told twice. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { type AwsBed, type Person, startAwsBed } from '../aws/bed.ts'
import { jsonAnswer } from '../aws/call.ts'
import { labelsBody } from '../support/page-saves.ts'
import { until } from '../support/proc.ts'
import { tempDir } from '../support/temp-dir.ts'
import { testSample } from '../support/tools.ts'

const dir = tempDir()
let bed: AwsBed
let ann: Person
let bob: Person
beforeAll(async () => {
  // Fewer slots than sessions may be live: the slot is what lacks.
  bed = await startAwsBed({ dir, slots: 1, limits: { liveSessions: 3, idleMs: 120_000 } })
  ;[ann, bob] = await Promise.all([bed.person('ann'), bed.person('bob')])
})
afterAll(() => bed?.stop())
afterEach(({ task }) => {
  if (task.result?.state === 'fail') process.stderr.write(bed.log().slice(-6000))
})

const labels = (value: string) => labelsBody({ mine: Array.from({ length: 700 }, (_, n) => (n < 7 ? value : 'other')) })
async function save(who: Person, value: string, base: string): Promise<[number, string | null]> {
  const headers = { 'content-type': 'application/octet-stream', 'x-cxod-base': base }
  const saved = await who.page('annotations/obs', { method: 'PUT', headers, body: Buffer.from(labels(value)) })
  return [saved.status, saved.headers.get('x-cxod-labels-version')]
}
const shown = async (who: Person) =>
  await (
    await who.page('annotations/obs?annotation-name=mine', { headers: { accept: 'application/octet-stream' } })
  ).text()
const stop = async (who: Person) => {
  const session = await who.session()
  await who.call(`/api/sessions/${session?.id}/stop`, { method: 'POST' })
}
const isOver = async (who: Person) => ['stopped', 'failed'].includes((await who.session())?.state ?? '')
const receipts = async (who: Person) => {
  const { json } = await who.call('/api/receipts')
  return (json as { items: { cause: string; detail: string | null }[] }).items
}
const providers = () => bed.ecs.tasks().map(({ capacityProviderName }) => capacityProviderName)
const runTasks = () => bed.edge.counts()

it('launches, is ready, and saves', async () => {
  const id = await ann.launch('pbmc')
  await ann.until(id, 'ready')
  const schema = (await (await ann.page('schema')).json()) as { schema: { dataframe: { nObs: number } } }
  expect(schema.schema.dataframe.nObs).toBe(700)
  expect(await save(ann, 'first-label', 'none')).toEqual([200, '1'])
  expect(providers()).toEqual(['FARGATE_SPOT'])
})

it('no slot: waits in line and says why, before anything is paid for', async () => {
  await bob.launch('pbmc')
  expect(await bob.session()).toMatchObject({
    state: 'queued',
    refusal: { detail: expect.stringContaining('All 1 places') },
  })
  expect(bed.ecs.tasks()).toHaveLength(1)
  expect(Object.entries(runTasks()).filter(([name]) => name.endsWith('ecs.RunTask'))).toEqual([['api ecs.RunTask', 1]])
})

it('no processors, then no room in any zone, then an answer that is lost: one task in the end, on demand', async () => {
  const words = 'You’ve reached the limit on the number of vCPUs you can run concurrently'
  bed.edge.inject({ on: 'ecs.RunTask', effect: { kind: 'error', name: 'ClientException', message: words } })
  await stop(ann)
  const refusedFor = (reason: RegExp) => async () => reason.test((await bob.session())?.refusal?.detail ?? '')
  await bed.tickUntil('the quota’s words', refusedFor(/may not run more processors/))
  const failures = [{ arn: 'arn:aws:ecs:us-east-1:1:x', reason: 'Capacity is unavailable at this time.' }]
  bed.edge.inject({ on: 'ecs.RunTask', effect: { kind: 'answer', answer: jsonAnswer({ tasks: [], failures }) } })
  await bed.tickUntil('the zones’ words', refusedFor(/no room for this viewer in any of the zones/))
  const lost = bed.edge.inject({ on: 'ecs.RunTask', effect: { kind: 'lost' } })
  await bed.tickUntil('the task', async () => (await bob.session())?.state !== 'queued')
  expect(lost.hits()).toBe(1)
  await bob.until((await bob.session())?.id ?? '', 'ready')
  expect(providers()).toEqual(['FARGATE_SPOT', 'FARGATE'])
  expect(await receipts(ann)).toMatchObject([{ cause: 'user' }])
})

it('comes back with its labels; taken back by Spot, what was acknowledged is kept; events repeat and come late', async () => {
  await stop(bob)
  await bed.tickUntil('bob’s end', () => isOver(bob))
  const id = await ann.launch('pbmc')
  await ann.until(id, 'ready')
  expect(await shown(ann)).toContain('first-label')
  expect(await save(ann, 'second-label', '1')).toEqual([200, '2'])

  const events = bed.events.hold()
  const [task] = bed.ecs.alive()
  bed.ecs.reclaim(task?.taskArn ?? '')
  await until('its processes to end', () => bed.ecs.processes().length === 0)
  await until('its last event', () => bed.ecs.alive().length === 0)
  const backwards = events.held().reverse()
  expect(backwards.length).toBeGreaterThan(1)
  // After its end somebody else has the slot; then the news of the first comes once more.
  const outcomes = await events.deliver([...backwards, ...backwards])
  expect(outcomes.filter(({ kind }) => kind !== 'answer')).toEqual([])
  await bed.tickUntil('ann’s end', () => isOver(ann))
  expect((await ann.session())?.ending).toMatchObject({ cause: 'task-lost', detail: expect.stringContaining('Spot') })

  await bob.launch('pbmc')
  await bob.until((await bob.session())?.id ?? '', 'ready')
  const late = bed.events.hold()
  await late.deliver(backwards)
  expect(await bob.stateOf((await bob.session())?.id ?? '')).toBe('ready')
  const { json } = await ann.call('/api/datasets/pbmc/annotations/labels/versions')
  expect((json as { items: { version: string }[] }).items.map(({ version }) => version)).toEqual(['2', '1'])
  const csv = await ann.call('/api/datasets/pbmc/annotations/labels/versions/2')
  expect(csv.json).toContain('second-label')
})

/** Another file with the same cells. */
function another(name: string): string {
  const file = path.join(dir, name)
  writeFileSync(file, Buffer.concat([readFileSync(testSample()), Buffer.from(name)]))
  return file
}

it('the file is replaced: the minute ends its viewer and lets in who waits, and who reads files has no hand in it', async () => {
  await bed.upload('public/other.h5ad', another('other'))
  await bed.events.settled()
  await ann.launch('other')
  expect((await ann.session('other'))?.state).toBe('queued')
  const before = await bob.session()
  await bed.upload('public/pbmc.h5ad', another('pbmc'))
  await bed.events.settled()
  // Its function could be taken over by what it reads: it writes the new version down, and touches no viewer.
  expect(await bob.session()).toMatchObject({ id: before?.id, state: 'ready' })
  await bed.tick()
  expect((await bob.session())?.ending).toMatchObject({ cause: 'dataset-changed' })
  await bed.tickUntil('ann’s turn', async () => (await ann.session('other'))?.state !== 'queued')
  await ann.until((await ann.session('other'))?.id ?? '', 'ready')
  const services = Object.keys(runTasks()).filter((name) => name.startsWith('indexer '))
  expect(services.filter((name) => !/^indexer (dynamodb|s3)\./.test(name))).toEqual([])
  expect(services.length).toBeGreaterThan(3)
})

it('sleeps when nobody uses it, and leaves no task, target, lease or process', async () => {
  await bed.untilNothingIsHeld()
  await until('the last processes to end', () => bed.ecs.processes().length === 0)
  expect((await receipts(bob)).map(({ cause }) => cause).sort()).toEqual(['dataset-changed', 'user'])
  expect((await receipts(ann)).map(({ cause }) => cause)).toContain('idle')
})
