/** What the attacks are made on: the real launcher with real gates, a stand-in for cellxgene itself, and three people. */
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { deflateSync } from 'node:zlib'
import type { Keys } from '../../functions/auth/keys.ts'
import { createPasswords } from '../../functions/auth/passwords.ts'
import { hashSecret } from '../../functions/auth/secrets.ts'
import type { User } from '../../functions/core/principal.ts'
import type { Session } from '../../functions/core/session.ts'
import { createUserStore } from '../../functions/platform/dynamo/users.ts'
import { createCellNames } from '../../functions/platform/local/cell-names.ts'
import { loadSigningKeys } from '../../functions/platform/local/secrets.ts'
import { type LocalStore, openStore } from '../../functions/platform/local/store.ts'
import { projectRoot } from '../../functions/setup/python.ts'
import { bundleProgram } from '../support/bundle-program.ts'
import { type LocalBed, startLocalBed } from '../support/local-bed.ts'
import { aUser as aRecord } from '../support/people.ts'
import { aDataset, aUser } from '../support/ports.ts'
import { recordSecret } from '../support/suite-record.ts'
import { type Ask, ask, cookiesOf, type Reply } from './http.ts'

export const rightPassword = 'correct horse battery staple'
/** Written into every file and label that is somebody's: none of it may ever come back to somebody else. */
export const marker = 'marker-of-private-content'

export type Person = { who: User /** Value of the login cookie. */; login: string; loginId: string }

export type World = {
  bed: LocalBed
  keys: Keys
  store: LocalStore
  /** A member of `lab`. */
  ada: Person
  /** In no group. */
  bob: Person
  /** Ready: ada's of `pbmc` (everybody's) and of `liver` (of `lab`), bob's of `pbmc`. */
  sessions: { ada: Session; liver: Session; bob: Session }
  app(path: string, more?: Ask): Promise<Reply>
  view(path: string, more?: Ask): Promise<Reply>
  /** Signs in as a browser does. */
  signIn(name: string): Promise<Person>
  /** Adds somebody who may sign in with `rightPassword`. */
  addUser(name: string, groups?: string[]): Promise<void>
  /** The way of a browser from the page's address to its cookies. */
  open(person: Person, pageId: string): Promise<{ nonce: string; page: string }>
  /** The route's cookie, as the page's status brings it. */
  routeCookie(page: string, pageId: string): Promise<string>
  close(): Promise<void>
}

export async function startWorld(dir: string): Promise<World> {
  const dataDir = join(dir, 'data')
  const files = { pbmc: 'public/pbmc.h5ad', liver: 'lab/liver.h5ad' }
  for (const [id, path] of Object.entries(files)) {
    mkdirSync(join(dataDir, path, '..'), { recursive: true })
    writeFileSync(join(dataDir, path), `${marker} ${id}`.padEnd(1000))
  }
  const viewer = await bundleProgram(join(projectRoot(), 'test', 'support', 'stand-in-viewer-main.ts'), dir)
  const bed = await startLocalBed(dir, {
    dataDir,
    datasets: Object.entries(files).map(([id, path]) =>
      aDataset({ id, path, group: path.split('/')[0] ?? '', title: id, version: `version-of-${id}` }),
    ),
    followFolder: false,
    viewerCommand: [process.execPath, viewer],
    doorTimes: { headersMs: 2_000, requestMs: 4_000, checkEveryMs: 250 },
    // Each row that needs somebody new leaves their viewer behind, and a stand-in needs none of a viewer's memory.
    args: ['--max-sessions-per-user', '10', '--viewer-memory', '64GB'],
  })
  const keys = await loadSigningKeys(bed.stateDir)
  const store = await openStore(bed.stateDir)
  const users = createUserStore(store.table)
  const cells = createCellNames(join(bed.stateDir, 'cells'), { now: () => Date.now() })
  await cells.put('version-of-pbmc', { names: ['a', 'b', 'c'], columns: [] })
  const passwordHash = await createPasswords().hash(rightPassword)
  recordSecret('password', rightPassword)

  const app = (path: string, more?: Ask) => ask(bed.appUrl, path, more)
  const view = (path: string, more?: Ask) => ask(bed.viewUrl, path, more)
  const addUser = async (name: string, groups: string[] = []) => {
    await users.create(aRecord({ name, groups, passwordHash, createdAt: Date.now() - 1000 }))
  }
  const signIn = async (name: string): Promise<Person> => {
    const reply = await app('/sign-in', {
      method: 'POST',
      headers: { origin: bed.appUrl, 'content-type': 'application/x-www-form-urlencoded' },
      body: String(new URLSearchParams({ name, password: rightPassword })),
    })
    const login = cookiesOf(reply).get('cxod-login')
    if (!login) throw new Error(`${name} could not sign in: ${reply.status}`)
    const groups = (await users.get(name))?.groups ?? []
    return { who: aUser(name, { groups }), login, loginId: hashSecret(login) }
  }
  await addUser('ada', ['lab'])
  await addUser('bob')
  const [ada, bob] = [await signIn('ada'), await signIn('bob')]
  const start = async (who: User, datasetId: string) => {
    await bed.launcher.launch(who, datasetId, { by: 'click' })
    return bed.untilReady(who, datasetId)
  }
  const world: World = {
    bed,
    keys,
    store,
    ada,
    bob,
    sessions: {
      ada: await start(ada.who, 'pbmc'),
      liver: await start(ada.who, 'liver'),
      bob: await start(bob.who, 'pbmc'),
    },
    app,
    view,
    signIn,
    addUser,
    async open(person, pageId) {
      const asked = await view(`/v/${pageId}/`)
      const nonce = cookiesOf(asked).get('cxod-nonce') ?? ''
      const open = new URL(asked.headers.location ?? '')
      const given = await app(open.pathname + open.search, { headers: { cookie: `cxod-login=${person.login}` } })
      const enter = new URL(given.headers.location ?? '')
      const entered = await view(enter.pathname + enter.search, { headers: { cookie: `cxod-nonce=${nonce}` } })
      const page = cookiesOf(entered).get('cxod-page')
      if (!page) throw new Error(`no page for ${person.who.name}: ${asked.status} ${given.status} ${entered.status}`)
      return { nonce, page }
    },
    async routeCookie(page, pageId) {
      const status = await view(`/v/${pageId}/-/status`, { headers: { cookie: `cxod-page=${page}` } })
      const route = cookiesOf(status).get('cxod-route')
      if (!route) throw new Error(`no route: ${status.status}`)
      return route
    },
    async close() {
      await store.close()
      await bed.close()
    },
  }
  for (const { session } of [{ session: world.sessions.ada }, { session: world.sessions.bob }])
    await saveLabels(world, session, `${marker} of ${session.ownerId}`, 'none')
  return world
}

/** A save as the page of this session makes it. */
export async function saveLabels({ bed, view }: World, session: Session, text: string, base: string): Promise<Reply> {
  const headers = { ...(await bed.pageCall(session)), 'x-cxod-base': base, 'content-type': 'application/octet-stream' }
  return view(`${session.routePath}api/v0.2/annotations/obs`, { method: 'PUT', headers, body: deflateSync(text) })
}
