/** What gates ask: each with the token of its own session, and only for that session. See `contract/gate.ts`. */
import { Hono, type MiddlewareHandler } from 'hono'
import type { z } from 'zod'
import { readBearer } from '../../auth/principal.ts'
import { LauncherError } from '../../core/errors.ts'
import { type VaultKind, vaultKinds } from '../../core/ports.ts'
import type { GatePrincipal } from '../../core/principal.ts'
import { beatReport, byeReport, progressReport, uploadRequest } from '../contract/gate.ts'
import { type ApiDeps, defaultVaultBodyBytes, smallBodyBytes } from '../deps.ts'
import { downloadName } from '../download-name.ts'
import { limitBody, tooLarge } from '../guards.ts'

type GateEnv = { Variables: { gate: GatePrincipal } }

export function gateRoutes({ launcher, auth, vaultBodyBytes = defaultVaultBodyBytes }: ApiDeps): Hono<GateEnv> {
  const app = new Hono<GateEnv>()
  const small = limitBody(smallBodyBytes)
  app.use('*', requireGate(auth.gateTokens.verify))
  app.post('/knock', small, async (c) => c.json(await launcher.knock(c.var.gate)))
  app.post('/progress', small, async (c) =>
    c.json(await launcher.progress(c.var.gate, await read(c.req.raw, progressReport))),
  )
  app.post('/loaded', small, async (c) => c.json(await launcher.loaded(c.var.gate)))
  app.post('/beat', small, async (c) => c.json(await launcher.beat(c.var.gate, await read(c.req.raw, beatReport))))
  app.post('/bye', small, async (c) => {
    await launcher.bye(c.var.gate, await read(c.req.raw, byeReport))
    return c.body(null, 204)
  })
  app.get('/vault/:kind/:version', async (c) => {
    const { kind, version } = c.req.param()
    const body = await launcher.vaultRead(c.var.gate, vaultKind(kind), version)
    const elsewhere = await launcher.lend(body, downloadName('vault', kind, version))
    if (elsewhere !== null) return c.redirect(elsewhere, 307)
    return c.body(new Uint8Array(body), 200, { 'content-type': 'text/csv; charset=utf-8', etag: `"${version}"` })
  })
  app.post('/vault/:kind/upload', small, async (c) => {
    vaultKind(c.req.param('kind'))
    const wish = await read(c.req.raw, uploadRequest)
    if (wish.sizeBytes > vaultBodyBytes) throw tooLarge(vaultBodyBytes)
    return c.json(await launcher.vaultUpload(c.var.gate, wish))
  })
  app.put('/vault/:kind', limitBody(Math.min(vaultBodyBytes, launcher.directBytes ?? vaultBodyBytes)), async (c) => {
    const kind = vaultKind(c.req.param('kind'))
    // Kept as it comes, so it must come plain.
    const encoding = c.req.header('content-encoding') ?? 'identity'
    if (encoding !== 'identity')
      throw new LauncherError('bad-request', `Send the CSV plain, not in ${encoding.slice(0, 20)}.`)
    const save = { base: readBase(c.req.raw.headers), requestSha256: readHash(c.req.raw.headers) }
    const ref = c.req.header('x-upload-ref')
    const body = ref === undefined ? new Uint8Array(await c.req.arrayBuffer()) : { ref, mostBytes: vaultBodyBytes }
    const saved = await launcher.vaultPut(c.var.gate, kind, body, save)
    return c.json(saved, 200, { etag: `"${saved.version}"` })
  })
  return app
}

function requireGate(verify: (token: string) => Promise<GatePrincipal | null>): MiddlewareHandler<GateEnv> {
  return async (c, next) => {
    const token = readBearer(c.req.header('authorization') ?? null)
    const gate = token === null ? null : await verify(token)
    if (gate === null)
      throw new LauncherError('not-signed-in', 'A gate’s token is needed here, and this is none that counts.')
    c.set('gate', gate)
    await next()
  }
}

async function read<T extends z.ZodType>(request: Request, schema: T): Promise<z.output<T>> {
  const json: unknown = await request.json().catch(() => undefined)
  const parsed = schema.safeParse(json)
  if (parsed.success) return parsed.data
  const where = parsed.error.issues.map((issue) => `${issue.path.join('.') || 'body'}: ${issue.message}`)
  throw new LauncherError('bad-request', `The report can’t be read: ${where.join('; ').slice(0, 500)}.`)
}

function vaultKind(text: string | undefined): VaultKind {
  const kind = vaultKinds.find((known) => known === text)
  if (kind === undefined) throw new LauncherError('not-found', `The vault keeps ${vaultKinds.join(' and ')} only.`)
  return kind
}

/** The version that a save replaces: `if-match: "<version>"`, or `if-none-match: *` for the first one. Exactly one of them. */
function readBase(headers: Headers): string | null {
  const [match, noneMatch] = [headers.get('if-match'), headers.get('if-none-match')]
  if (match === null && noneMatch === '*') return null
  const version = /^"(\d{1,12})"$/.exec(match ?? '')?.[1]
  if (version !== undefined && noneMatch === null) return version
  throw new LauncherError(
    'bad-request',
    'Say which version this save replaces: if-match: "<version>", or if-none-match: * for the first.',
  )
}

function readHash(headers: Headers): string {
  const hash = headers.get('x-request-sha256') ?? ''
  if (/^[0-9a-f]{64}$/.test(hash)) return hash
  throw new LauncherError(
    'bad-request',
    'x-request-sha256 must be the SHA-256 of the browser’s request body, in lower-case hex.',
  )
}
