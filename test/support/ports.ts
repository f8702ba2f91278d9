/** Ports for tests of the launcher: the real embedded store, the real local router and vault, and tasks that a test plays itself. */
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { Dataset } from '../../functions/core/dataset.ts'
import { LauncherError } from '../../functions/core/errors.ts'
import { defaultLimits, type Limits } from '../../functions/core/limits.ts'
import type { Ports, TaskRunner, TaskSpec, TaskStatus } from '../../functions/core/ports.ts'
import type { GatePrincipal, Guest, Principal, User } from '../../functions/core/principal.ts'
import type { Session } from '../../functions/core/session.ts'
import { createLauncher, type Launcher } from '../../functions/launcher/index.ts'
import { createCatalogue } from '../../functions/platform/dynamo/catalogue.ts'
import { createLinkStore } from '../../functions/platform/dynamo/links.ts'
import { createReceiptStore } from '../../functions/platform/dynamo/receipts.ts'
import { createSessionStore } from '../../functions/platform/dynamo/sessions.ts'
import { createCellNames } from '../../functions/platform/local/cell-names.ts'
import { createRouter } from '../../functions/platform/local/router.ts'
import { type LocalStore, openStore } from '../../functions/platform/local/store.ts'
import { createVault } from '../../functions/platform/local/vault.ts'

export type PlayedTasks = TaskRunner & {
  started: TaskSpec[]
  stopped: string[]
  /** The task ends by itself. */
  die(sessionId: string, gone?: Omit<TaskStatus & { status: 'gone' }, 'status'>): void
  /** The next starts fail with this. */
  refuseWith: Error | null
}

function playTasks(): PlayedTasks {
  const states = new Map<string, TaskStatus>()
  const tasks: PlayedTasks = {
    final: true,
    started: [],
    stopped: [],
    refuseWith: null,
    async start(spec) {
      if (tasks.refuseWith) throw tasks.refuseWith
      if (states.get(spec.sessionId)?.status === 'gone') throw new LauncherError('session-over', 'stopped before')
      if (!states.has(spec.sessionId)) tasks.started.push(spec)
      states.set(spec.sessionId, { status: 'running', endpoint: `unix:/nowhere/${spec.sessionId}` })
    },
    inspect: async (id) => states.get(id) ?? { status: 'none' },
    async stop(id) {
      tasks.stopped.push(id)
      states.set(id, { status: 'gone', cause: null, detail: null })
    },
    listSessionIds: async () => [...states].filter(([, state]) => state.status === 'running').map(([id]) => id),
    heldMiB: async () => 0,
    die: (id, gone = { cause: 'task-lost', detail: null }) => states.set(id, { status: 'gone', ...gone }),
  }
  return tasks
}

export function aDataset(over: Partial<Dataset> = {}): Dataset {
  return {
    id: 'pbmc',
    path: 'public/pbmc.h5ad',
    group: 'public',
    title: 'PBMC',
    state: 'usable',
    problem: null,
    sizeBytes: 1000,
    modifiedAt: 0,
    version: 'v1',
    index: {
      cells: 700,
      genes: 765,
      storedValues: 700 * 765,
      dtype: 'float32',
      layout: 'dense',
      embeddings: ['umap'],
      obsIndexHash: 'h1',
      distribution: 'normal',
      memoryMiB: 303,
    },
    firstSeenAt: 0,
    updatedAt: 0,
    ...over,
  }
}

export const aUser = (name: string, over: Partial<User> = {}): User => ({
  kind: 'user',
  id: `local:${name}`,
  name,
  email: null,
  groups: [],
  admin: false,
  loginId: null,
  ...over,
})

/** A guest of a link of their own, for `pbmc`. */
export function aGuest(name: string, over: Partial<Guest> = {}): Guest {
  return {
    kind: 'guest',
    id: `guest:aaaabbbbcccc:${name}`,
    name,
    email: null,
    groups: [],
    admin: false,
    loginId: `login-of-${name}`,
    linkId: 'aaaabbbbcccc',
    datasetId: 'pbmc',
    mode: 'annotate',
    ...over,
  }
}

export const gateOf = (session: Session): GatePrincipal => ({
  kind: 'gate',
  sessionId: session.id,
  ownerId: session.ownerId,
  datasetId: session.datasetId,
})

export type TestBed = {
  store: LocalStore
  ports: Ports
  tasks: PlayedTasks
  clock: { now(): number; advance(ms: number): void }
  launcher(limits?: Partial<Limits>): Launcher
  /** Launches and plays the gate until the session is ready. */
  ready(launcher: Launcher, who: Principal, datasetId: string): Promise<Session>
}

/** @param dir private to this bed: the store and the vault live in it */
export async function openTestBed(
  dir: string,
  datasets: readonly Dataset[] = [aDataset()],
  given: Partial<Ports> = {},
): Promise<TestBed> {
  const store = await openStore(dir)
  let now = 1_800_000_000_000
  const clock = {
    now: () => now,
    advance(ms: number) {
      now += ms
    },
  }
  const tasks = playTasks()
  const catalogue = createCatalogue(store.table)
  for (const dataset of datasets) await catalogue.put(dataset)
  const ports: Ports = {
    sessions: createSessionStore(store.table),
    receipts: createReceiptStore(store.table),
    catalogue,
    links: createLinkStore(store.table),
    tasks,
    router: createRouter(),
    files: {
      list: async () => [],
      stat: async () => null,
      locate: async (path) => ({ kind: 'path', path: `/data/${path}` }),
    },
    vault: createVault(join(dir, 'vault'), clock),
    cells: createCellNames(join(dir, 'cells'), clock),
    clock,
    newId: () => [...randomBytes(20)].map((byte) => 'abcdefghijklmnopqrstuvwxyz234567'[byte % 32]).join(''),
    gateToken: async (session) => `token-of-${session.id}`,
    log: () => {},
    ...given,
  }
  const gates = { apiSilenceMs: 60_000, beatMs: 15_000, routeKey: {} }
  return {
    store,
    ports,
    tasks,
    clock,
    launcher: (limits = {}) => createLauncher(ports, { ...defaultLimits, ...limits }, gates),
    async ready(launcher, who, datasetId) {
      const session = await launcher.launch(who, datasetId, { by: 'click' })
      await launcher.knock(gateOf(session))
      await launcher.loaded(gateOf(session))
      const stored = await launcher.findSession(who, datasetId)
      if (stored?.state !== 'ready') throw new Error(`not ready but ${stored?.state}`)
      return stored
    },
  }
}
