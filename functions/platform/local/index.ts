/** The one-machine platform, put together: store, auth, launcher, doors, schedule; and taken apart again in order. */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { getRequestListener } from '@hono/node-server'
import { createApp } from '../../api/app.ts'
import { readWebAssets } from '../../api/pages/assets.ts'
import { toProblem } from '../../api/problem.ts'
import { createAuth } from '../../auth/auth.ts'
import { LauncherError } from '../../core/errors.ts'
import { defaultLimits, type Limits } from '../../core/limits.ts'
import type { Clock, Ports } from '../../core/ports.ts'
import { createIndexer } from '../../indexer/client.ts'
import { createLauncher, type Launcher } from '../../launcher/index.ts'
import { createIndexDatasets } from '../../launcher/index-dataset.ts'
import { loadLobbyAssets } from '../../lobby/assets.ts'
import { createLobby } from '../../lobby/lobby.ts'
import { serverDirOf } from '../../setup/python.ts'
import { createCatalogue } from '../dynamo/catalogue.ts'
import { deleteExpired } from '../dynamo/expired.ts'
import { createLinkStore } from '../dynamo/links.ts'
import { createLoginStore } from '../dynamo/logins.ts'
import { createOnceStore } from '../dynamo/once.ts'
import { createReceiptStore } from '../dynamo/receipts.ts'
import { createSessionStore } from '../dynamo/sessions.ts'
import { createUserStore } from '../dynamo/users.ts'
import { newSessionId } from '../session-id.ts'
import { createCellNames } from './cell-names.ts'
import { clientAddress } from './client-address.ts'
import { createDatasetFiles } from './dataset-files.ts'
import { createInspector } from './inspector.ts'
import { withLiveSessions } from './live-sessions.ts'
import { openLog } from './log.ts'
import { openMemoryBound } from './memory-bound.ts'
import { createRouter } from './router.ts'
import { openRunDir } from './run-dir.ts'
import { openSandbox } from './sandbox.ts'
import { fileOf, planSandbox } from './sandbox-plan.ts'
import { loadSigningKeys } from './secrets.ts'
import { type DoorTimes, openDoor } from './servers.ts'
import type { Settings } from './settings.ts'
import { openStore } from './store.ts'
import { collectOrphans } from './task-record.ts'
import { createTaskRunner } from './task-runner.ts'
import { startTicker } from './ticker.ts'
import { createVault } from './vault.ts'
import { watchFolder } from './watch.ts'

/** What the composition needs to know of its own installation. */
export type Installation = {
  /** Interpreter of the viewers' environment. */
  python: string
  /** The project's folder; `dist` and `web` are found below it. */
  root: string
  /** Another viewer than ours, for tests that are not about cellxgene: command and leading arguments. */
  viewerCommand?: readonly string[]
  /** Something else than processes of their own, for tests of crowds. */
  createTasks?: typeof createTaskRunner
  /** Limits that have no setting, for tests. */
  limits?: Partial<Limits>
  gateTimes?: typeof gateTimes
  doorTimes?: DoorTimes
  /** False: the catalogue is what a test has put into it. */
  followFolder?: boolean
}

export type LocalLauncher = {
  /** One-time sign-in link of the administrator. */
  signInUrl: string
  launcher: Launcher
  logPath: string
  /** What whoever starts it should know. */
  warnings: string[]
  /** Ends every viewer and closes everything; may be called once. */
  close(): Promise<void>
}

const gateTimes = { apiSilenceMs: 60_000, beatMs: 10_000 }

/** Throws LauncherErrors and node's own errors of listening and writing; `explainStartError` has words for them. */
export async function startLocal(settings: Settings, { python, root, ...given }: Installation): Promise<LocalLauncher> {
  const clock: Clock = { now: () => Date.now() }
  const { log, fd, path: logPath } = openLog(settings.logFile ?? join(settings.stateDir, 'launcher.log'), clock)
  const runDir = openRunDir(settings.stateDir)
  const store = await openStore(settings.stateDir)
  if (!store.owner) {
    await store.close()
    throw new LauncherError(
      'bad-setting',
      `Another launcher is running with the state folder ${settings.stateDir}. Stop it, or choose another folder with --state.`,
    )
  }
  const closers: (() => Promise<unknown>)[] = [() => store.close()]
  const close = async () => {
    for (const closer of closers.splice(0).reverse())
      await closer().catch((error: unknown) => log('error', 'close failed', { error: String(error) }))
  }
  try {
    await collectOrphans(runDir, log)
    const { table } = store
    const limits: Limits = {
      ...defaultLimits,
      idleMs: settings.idleMs,
      lifetimeMs: settings.lifetimeMs,
      liveSessions: settings.maxSessions,
      liveSessionsPerUser: settings.maxSessionsPerUser,
      liveSessionsPerLink: settings.maxSessionsPerLink,
      memoryBudgetMiB: settings.viewerMemoryMiB,
      diffexpCells: settings.diffexpCells,
      ...given.limits,
    }
    const keys = await loadSigningKeys(settings.stateDir)
    const once = createOnceStore(table)
    const origins = { appOrigin: settings.appUrl, viewOrigin: settings.viewUrl }
    const links = createLinkStore(table)
    const auth = createAuth({
      links,
      users: createUserStore(table),
      logins: createLoginStore(table),
      once,
      clock,
      log,
      keys,
      limits,
      appOrigin: settings.appUrl,
      issuers: settings.issuers,
    })
    const router = createRouter()
    const apiSocket = join(runDir, 'api.sock')
    const memory = openMemoryBound()
    const viewerCommand = given.viewerCommand ?? [python, '-I', join(root, 'functions', 'viewer')]
    const sandbox = await openSandbox(
      given.createTasks ? 'none' : settings.sandbox,
      await planSandbox(viewerCommand, settings, runDir),
    )
    const tasks = (given.createTasks ?? createTaskRunner)({
      runDir,
      apiUrl: `unix:${apiSocket}`,
      gateCommand: [process.execPath, join(root, 'dist', 'gate.mjs')],
      viewerCommand,
      memory,
      sandbox,
      fileOf: async (datasetId) => fileOf(ports, datasetId),
      output: fd,
      stopTimeoutMs: 30_000,
      onEnd: (sessionId) => void launcher.taskChanged(sessionId).catch(failed('task change')),
      log,
    })
    const failed = (what: string) => (error: unknown) => log('error', `${what} failed`, { error: String(error) })
    const ports: Ports = {
      sessions: await withLiveSessions(createSessionStore(table)),
      receipts: createReceiptStore(table),
      catalogue: createCatalogue(table),
      links,
      tasks,
      router,
      files: createDatasetFiles(settings.dataDir),
      cells: createCellNames(join(settings.stateDir, 'cells'), clock),
      vault: createVault(join(settings.stateDir, 'vault'), clock),
      clock,
      newId: newSessionId,
      gateToken: (session) => auth.gateTokens.sign(session),
      log,
    }
    const launcher = createLauncher(ports, limits, {
      ...gateTimes,
      ...given.gateTimes,
      routeKey: { ...keys.publicJwk },
    })
    await launcher.recover()

    const assets = await readWebAssets(join(root, 'web'))
    const app = createApp({ launcher, auth, limits, clock, log, ...origins, assets, clientAddress })
    const lobby = createLobby({
      launcher,
      checkLogin: auth.checkLogin,
      whyOver: auth.links.whyOver,
      once,
      keys,
      clock,
      log,
      assets: await loadLobbyAssets({
        serverDir: serverDirOf(python),
        webDir: join(root, 'web'),
        companion: readFileSync(join(root, 'dist', 'companion.js'), 'utf8'),
      }),
      ...origins,
      limits,
      problem: (error, at) => toProblem(error, { ...at, log }),
    })
    const appListener = getRequestListener(app.fetch)
    const lobbyListener = getRequestListener(lobby.fetch)
    const gatesDoor = await openDoor(appListener, { socketPath: apiSocket })
    // Closed after the viewers are gone: a save that has reached the vault is still answered, and gates say goodbye.
    closers.push(() => gatesDoor.close())
    closers.push(async () => {
      await launcher.shutdown()
      await tasks.drain()
    })
    const viewDoor = await openDoor(
      (incoming, outgoing) =>
        incoming.url?.startsWith('/s/') ? router.forward(incoming, outgoing) : void lobbyListener(incoming, outgoing),
      { host: settings.host, port: settings.viewPort },
      given.doorTimes,
    )
    closers.push(() => viewDoor.close())
    const appDoor = await openDoor(appListener, { host: settings.host, port: settings.port }, given.doorTimes)
    closers.push(() => appDoor.close())

    const everyMs = Math.min(60_000, Math.max(2_000, limits.idleMs / 4))
    const ticker = startTicker(everyMs, () => launcher.reap().then(() => launcher.sweep()), log)
    closers.push(() => ticker.stop())
    const keepHouse = async () => {
      await deleteExpired(table, clock.now())
      await ports.cells.prune(new Set((await ports.catalogue.list()).map(({ version }) => version)))
    }
    const housekeeping = startTicker(3_600_000, keepHouse, log)
    closers.push(() => housekeeping.stop())

    if (given.followFolder !== false) {
      const indexer = createIndexer({ program: join(root, 'dist', 'indexer.mjs') })
      const inspect = createInspector(ports.files, indexer)
      const index = createIndexDatasets(ports, { inspect, datasetChanged: launcher.datasetChanged })
      const watch = watchFolder(settings.dataDir, () => index.look(), clock, { log })
      closers.push(() => watch.stop().then(() => index.stop()))
    }
    log('info', 'launcher started', { memoryBound: memory.kind, sandbox: sandbox.kind, ...origins })
    return {
      signInUrl: auth.adminLinks.create().url,
      launcher,
      logPath,
      warnings: sandbox.words === null ? [] : [sandbox.words],
      close,
    }
  } catch (error) {
    await close()
    throw error
  }
}
