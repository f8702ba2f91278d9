/** The flow, once, through the two containers: launch, knock, download, load, look, save, stop, with a real launcher around them. */
import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { deflateSync } from 'node:zlib'
import { CreateBucketCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3'
import { loadWords } from '../../functions/core/load-words.ts'
import { createDatasetFiles } from '../../functions/platform/aws/dataset-files.ts'
import { taskShape } from '../../functions/platform/aws/settings.ts'
import type { TaskRunnerSettings } from '../../functions/platform/local/task-runner.ts'
import { makeData } from '../support/launcher-process.ts'
import { type LocalBed, startLocalBed } from '../support/local-bed.ts'
import { startMoto } from '../support/moto.ts'
import { geneSetsBody, labelsBody } from '../support/page-saves.ts'
import { aUser } from '../support/ports.ts'
import { podman } from './commands.ts'
import { type ContainerTasks, createContainerTasks, hostInside } from './container-tasks.ts'

const datasetId = 'pbmc'
const key = `public/${datasetId}.h5ad`
const cells = 700

type Schema = { schema: { dataframe: { nObs: number }; annotations: { var: { index: string } } } }

export async function flow(dir: string, say: (line: string) => void): Promise<void> {
  const moto = await startMoto()
  const s3 = new S3Client({ ...moto.clientConfig, forcePathStyle: true })
  const dataDir = makeData(path.join(dir, 'data'), [key])
  await s3.send(new CreateBucketCommand({ Bucket: 'data' }))
  await s3.send(new PutObjectCommand({ Bucket: 'data', Key: key, Body: readFileSync(path.join(dataDir, key)) }))
  const files = createDatasetFiles(s3, 'data')
  const addressOf = async () => {
    const at = await files.locate(key)
    // The emulator does not check the host that was signed, and has another name inside of a container.
    return at.kind === 'url' ? at.url.replace('127.0.0.1', hostInside) : ''
  }
  const made: ContainerTasks[] = []
  let diskMiB: number | null = null
  const createTasks = (given: TaskRunnerSettings): ContainerTasks => {
    const tasks = createContainerTasks(given, { addressOf, diskMiB: () => diskMiB })
    made.push(tasks)
    return tasks
  }
  const bed = await startLocalBed(dir, { dataDir, createTasks, args: ['--viewer-memory', '4GB'] })
  const [tasks] = made
  assert.ok(tasks)
  try {
    await steps(bed, tasks, say)
    diskMiB = 1
    await onSmallDisk(bed, say)
  } catch (error) {
    for (const { names } of tasks.tasks.values())
      for (const name of [names.gate, names.viewer]) {
        const said = await podman(['logs', name]).catch(() => null)
        if (said) say(`${name} said:\n${said.stdout}${said.stderr}`)
      }
    throw error
  } finally {
    await bed.close()
    s3.destroy()
    await moto.stop()
  }
}

async function steps(bed: LocalBed, tasks: ContainerTasks, say: (line: string) => void): Promise<void> {
  const who = aUser('ada')
  await until(async () => (await bed.launcher.listDatasets(who)).some(({ state }) => state === 'usable'))
  const began = performance.now()
  const launched = await bed.launcher.launch(who, datasetId, { by: 'click' })
  await until(async () => tasks.tasks.has(launched.id))
  const task = tasks.tasks.get(launched.id)
  assert.ok(task)
  const look = () => fetch(`http://127.0.0.1:${task.port}/-/health`).catch(() => null)
  await until(async () => (await look())?.status === 200)
  say(`the load balancer's check passes after ${Math.round(performance.now() - began)} ms`)
  const session = await bed.untilReady(who, datasetId, 90_000)
  say(`ready after ${Math.round(performance.now() - began)} ms`)

  const page = await bed.pageCall(session)
  const call = (at: string, init: RequestInit & { headers?: Record<string, string> } = {}) =>
    fetch(`${bed.viewUrl}${session.routePath}api/v0.2/${at}`, { ...init, headers: { ...page, ...init.headers } })
  const answered = async (at: string, init: RequestInit & { headers?: Record<string, string> } = {}) => {
    const answer = await call(at, init)
    const body = Buffer.from(await answer.arrayBuffer())
    assert.equal(answer.status, 200, `${at}: ${answer.status} ${body.toString('utf8', 0, 300)}`)
    return { answer, body }
  }
  const schema = JSON.parse((await answered('schema')).body.toString()) as Schema
  assert.equal(schema.schema.dataframe.nObs, cells)
  const binary = { headers: { accept: 'application/octet-stream' } }
  assert.ok((await answered('layout/obs?layout-name=umap', binary)).body.length > cells * 8)
  assert.ok(
    (await answered(`data/var?var:${schema.schema.annotations.var.index}=HES4`, binary)).body.length > cells * 4,
  )
  const pair = [0, 100, 200].map((from) => ({ filter: { obs: { index: [[from, from + 99]] } } }))
  const diffexp = await answered('diffexp/obs', {
    method: 'POST',
    headers: { 'content-type': 'application/json', accept: 'application/json' },
    body: JSON.stringify({ mode: 'topN', count: 10, set1: pair[0], set2: pair[2] }),
  })
  assert.equal(Object.keys(JSON.parse(diffexp.body.toString()) as object).length, 2)
  say('schema, embedding, a gene and differential expression are answered')

  const saveLabels = (label: string, base: string) =>
    call('annotations/obs', {
      method: 'PUT',
      headers: { 'content-type': 'application/octet-stream', 'x-cxod-base': base },
      body: Buffer.from(labelsBody({ kind: Array.from({ length: cells }, () => label) })),
    })
  assert.equal((await saveLabels('before', 'none')).status, 200)
  const sets = await call('genesets', {
    method: 'PUT',
    headers: { 'content-type': 'application/json', 'x-cxod-base': 'none' },
    body: Buffer.from(geneSetsBody({ mine: ['HES4'] })),
  })
  assert.equal(sets.status, 200)
  assert.match(await vaulted(bed, who, 'labels', '1'), /before/)
  assert.match(await vaulted(bed, who, 'genesets', '1'), /mine/)
  say('labels and gene sets are in the vault')
  await whatIsInside(task.names)
  const large = deflateSync(randomBytes(60 * 2 ** 20), { level: 0 })
  const headers = { 'content-type': 'application/octet-stream', 'x-cxod-base': '1' }
  const save = () => call('annotations/obs', { method: 'PUT', headers, body: large })
  for (const answer of await Promise.all([save(), save(), save(), save()])) assert.notEqual(answer.status, 200)
  assert.equal((await look())?.status, 200)
  assert.equal((await bed.launcher.findSession(who, datasetId))?.state, 'ready')
  say(`four bodies of 60 MB at once do not end a gate of ${taskShape.gateMemoryMiB} MiB`)

  const saving = saveLabels('after', '1')
  await podman(['kill', '--signal', 'TERM', task.names.gate])
  const last = await saving
  assert.ok(last.status === 200 || last.headers.get('x-cxod-viewer') === 'none', `a save at the end: ${last.status}`)
  if (last.status === 200) assert.match(await vaulted(bed, who, 'labels', '2'), /after/)
  const ended = await task.ended
  assert.deepEqual([ended.gate, ended.viewer], [0, 0], ended.logs)
  assert.ok(tasks.door()?.calls.includes('POST /gate/bye'))
  const over = async () => (await bed.launcher.findSession(who, datasetId))?.state ?? 'none'
  // Nobody asked the launcher for it: as when Spot takes a machine back, which its page is told in other words than a stop.
  await until(async () => ['stopped', 'failed', 'none'].includes(await over()))
  say(`drained: the last save was ${last.status === 200 ? 'kept' : 'held for the next viewer'}, both ended with 0`)
}

/** The file has 1.8 MB. */
async function onSmallDisk(bed: LocalBed, say: (line: string) => void): Promise<void> {
  const who = aUser('bob')
  await bed.launcher.launch(who, datasetId, { by: 'click' })
  const ending = async () => (await bed.launcher.findSession(who, datasetId))?.ending ?? null
  await until(async () => (await ending()) !== null)
  const { cause, detail } = (await ending()) ?? {}
  assert.equal(cause, 'load-failed')
  assert.equal(loadWords(detail ?? '').code, 'disk-full', detail ?? '')
  say(`a full disk is said in words: ${detail}`)
}

async function whatIsInside(names: { gate: string; viewer: string }): Promise<void> {
  for (const name of [names.gate, names.viewer]) {
    const one = (format: string) => podman(['inspect', '--format', format, name])
    assert.equal((await one('{{.Config.User}}')).stdout.trim(), '10001:10001')
    assert.equal((await one('{{.HostConfig.ReadonlyRootfs}} {{.EffectiveCaps}}')).stdout.trim(), 'true []')
    await assert.rejects(podman(['exec', name, '/bin/sh', '-c', 'true']), /no such file|not found/i)
  }
}

const vaulted = async (bed: LocalBed, who: ReturnType<typeof aUser>, kind: 'labels' | 'genesets', version: string) =>
  Buffer.from(await bed.launcher.readVersion(who, datasetId, kind, version)).toString()

async function until(so: () => Promise<boolean>): Promise<void> {
  const end = performance.now() + 180_000
  while (!(await so())) {
    if (performance.now() > end) throw new Error(`It never was so: ${so.toString()}`)
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
}
