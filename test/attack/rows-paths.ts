/** Addresses that mean one thing to one reader and another to the next. */
import { readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { testPython } from '../support/tools.ts'
import { raw } from './http.ts'
import { allowed, type Row } from './row.ts'
import type { World } from './world.ts'

type Door = 'app' | 'view'
export const originOf = ({ bed }: World, door: Door) => (door === 'app' ? bed.appUrl : bed.viewUrl)
export const host = (world: World, door: Door) => new URL(originOf(world, door)).host

/** Sends one GET as it stands, and lets nothing but a refusal or a way to our own pages pass. */
export async function get(world: World, door: Door, target: string, headers: readonly string[] = []): Promise<string> {
  const head = [`GET ${target} HTTP/1.1`, `host: ${host(world, door)}`, 'connection: close', ...headers]
  const { text, statuses, closed } = await raw(originOf(world, door), `${head.join('\r\n')}\r\n\r\n`, { forMs: 10_000 })
  if (!closed) throw new Error(`no end to ${target}`)
  if (/marker-of-private|root:x:|"kty"|PRIVATE/.test(text)) throw new Error(`private content for ${target}`)
  const [status] = statuses
  const location = /^location: (.*)$/im.exec(text)?.[1]?.trim()
  if (status !== undefined && status >= 300 && status < 400 && location !== undefined) {
    const to = new URL(location, originOf(world, door)).origin
    if (to !== world.bed.appUrl && to !== world.bed.viewUrl) throw new Error(`${target} leads to ${to}`)
    return String(status)
  }
  if (status === 202 && /x-cxod-viewer: none/i.test(text)) return '202 no viewer'
  if (status === undefined || (status >= 400 && status < 500)) return String(status ?? 'closed')
  throw new Error(`went through: ${target} ${text.slice(0, 300)}`)
}

/** One row for many spellings of the same trick. */
const spellings = (
  name: string,
  does: string,
  door: Door,
  targets: (world: World) => readonly string[],
  right: (world: World) => string,
  headers: (world: World) => Promise<readonly string[]> | readonly string[] = () => [],
): Row => ({
  name,
  does,
  async attack(world) {
    const words = new Set<string>()
    for (const target of targets(world)) words.add(await get(world, door, target, await headers(world)))
    return `${[...words].sort().join(', ')} (${targets(world).length} spellings)`
  },
  async twin(world) {
    const pairs = (await headers(world)).map((line) => line.split(/: (.*)/s).slice(0, 2) as [string, string])
    allowed(await world[door](right(world), { headers: Object.fromEntries(pairs) }))
  },
})

const login = ({ ada }: World) => [`cookie: cxod-login=${ada.login}`]
export const route = async ({ bed, sessions }: World) =>
  Object.entries(await bed.pageCall(sessions.ada)).map(([name, value]) => `${name}: ${value}`)
export const page = async (world: World) => [`cookie: cxod-page=${(await world.open(world.ada, 'pbmc')).page}`]

/** Any file of cellxgene's page. */
const aFile = readdirSync(join(serverDir(), 'common', 'web', 'static')).find((name) => /^main-.*\.js$/.test(name))

function serverDir(): string {
  const lib = join(dirname(dirname(testPython())), 'lib')
  const version = readdirSync(lib).find((name) => name.startsWith('python3')) ?? ''
  return join(lib, version, 'site-packages', 'server')
}

const up = [
  '../',
  '..%2f',
  '%2e%2e/',
  '%2e%2e%2f',
  '..%5c',
  '..\\',
  '%252e%252e%252f',
  '....//',
  '..;/',
  '..%00/',
  '.%2e/',
]
const climbing = (prefix: string, to: string) => up.flatMap((dots) => [prefix + dots.repeat(8) + to])

const files: Row[] = [
  spellings(
    'climbing out of the static files',
    'dots and slashes in every spelling after `/v/static/`',
    'view',
    () => ['etc/passwd', 'secrets/signing-key.json'].flatMap((to) => climbing('/v/static/', to)),
    () => `/v/static/${aFile}`,
  ),
  spellings(
    'climbing out of the assets',
    'the same after `/assets/`',
    'app',
    () => climbing('/assets/', 'etc/passwd'),
    () => '/assets/styles.css',
  ),
  spellings(
    'a dataset with dots in its name',
    'dots and slashes as a dataset of the app',
    'app',
    () => [
      ...climbing('/datasets/', 'etc'),
      ...climbing('/api/datasets/', 'etc'),
      ...['/api/datasets/', '/datasets/', '/open/', '/annotations/'].map((start) => start + 'x'.repeat(4000)),
    ],
    () => '/api/datasets/pbmc',
    login,
  ),
  spellings(
    'a version with dots in its number',
    '`../x` in place of a version of the labels',
    'app',
    () =>
      [
        ...climbing('/api/datasets/pbmc/annotations/labels/versions/', 'x'),
        '/api/datasets/pbmc/annotations/labels/versions/1e0',
      ].concat(
        '/api/datasets/..%2f..%2flocal%3Abob%2fpbmc/annotations/labels/versions/1',
        '/api/datasets/pbmc/annotations/..%2flabels/versions/1',
        '/api/datasets/pbmc/annotations/labels/versions/0x1',
        '/api/datasets/pbmc/annotations/labels/versions/%31%00',
      ),
    () => '/api/datasets/pbmc/annotations/labels/versions/1',
    login,
  ),
  spellings(
    'a download with dots in its name',
    '`../x` in place of `labels.csv` on the page',
    'view',
    () => climbing('/v/pbmc/-/annotations/', 'x'),
    () => '/v/pbmc/-/annotations/labels.csv',
    page,
  ),
]

const routes: Row[] = [
  spellings(
    'climbing from one’s own route to another’s',
    '`/s/<own>/../<other>/` in every spelling, with a cookie that is good for the first',
    'view',
    ({ sessions }) => {
      const other = sessions.bob.routePath.slice(3)
      return up
        .flatMap((dots) => [
          `${sessions.ada.routePath}${dots}${other}api/v0.2/config`,
          `/s/${dots}s/${other}api/v0.2/config`,
        ])
        .concat(
          `${sessions.bob.routePath}api/v0.2/config`,
          `${sessions.bob.routePath}..${sessions.ada.routePath}api/v0.2/config`,
          `/s/${sessions.ada.id}${sessions.bob.id}/api/v0.2/config`,
          `/s/${sessions.ada.id}/s/${sessions.bob.id}/api/v0.2/config`,
        )
    },
    ({ sessions }) => `${sessions.ada.routePath}api/v0.2/config`,
    route,
  ),
  spellings(
    'climbing past the API of the viewer',
    'the viewer’s own `/-/reload`, `/health`, its page and its files',
    'view',
    ({ sessions: { ada } }) =>
      ['-/reload', 'health', '', 'static/x.js', 'api/v0.2/../../-/reload', 'api/v0.2/%2e%2e/%2e%2e/-/reload']
        .concat('api/v0.2//config', 'api/v0.2/config/', 'api%2fv0.2/config', 'api/v0.2/config;x', 'api/v0.2/config%00')
        .map((rest) => ada.routePath + rest),
    ({ sessions }) => `${sessions.ada.routePath}api/v0.2/config`,
    route,
  ),
  spellings(
    'another spelling of a route',
    'capitals, doubled slashes, encoded letters, a letter more or less',
    'view',
    ({ sessions: { ada } }) => [
      `/S/${ada.id}/api/v0.2/config`,
      `//s/${ada.id}/api/v0.2/config`,
      `/s//${ada.id}/api/v0.2/config`,
      `/s%2f${ada.id}/api/v0.2/config`,
      `/s/${ada.id.toUpperCase()}/api/v0.2/config`,
      `/s/${ada.id}x/api/v0.2/config`,
      `/s/${ada.id.slice(1)}/api/v0.2/config`,
      `/s/${ada.id}%2fapi/v0.2/config`,
      `/./s/${ada.id}/api/v0.2/config`,
      `/v/../s/${ada.id}/api/v0.2/config`,
    ],
    ({ sessions }) => `${sessions.ada.routePath}api/v0.2/config`,
    route,
  ),
  spellings(
    'another’s page in one’s own page’s address',
    'the page’s cookie is good for `pbmc`; the address ends in another',
    'view',
    () =>
      up
        .map((dots) => `/v/pbmc/${dots}liver/-/status`)
        .concat(
          `/v/${'x'.repeat(4000)}/-/status`,
          `/v/${'x'.repeat(4000)}/`,
          '/v/liver/-/status',
          '/v/pbmc%2f..%2fliver/-/status',
          '/v/pbmc~aaaaaaaaaaaa/-/status',
          '/v//liver/-/status',
        ),
    () => '/v/pbmc/-/status',
    page,
  ),
]

export const pathRows: readonly Row[] = [...files, ...routes]
