/** Who I am, a token for scripts, and the addresses that need no sign-in. */
import { createRoute, type OpenAPIHono } from '@hono/zod-openapi'
import { loginCookie } from '../../auth/logins.ts'
import { LauncherError } from '../../core/errors.ts'
import { me, passwordRequest, token } from '../contract/public.ts'
import type { ApiDeps, Env } from '../deps.ts'
import { json, jsonBody, problems } from '../openapi.ts'
import { wireMe } from '../wire.ts'

const getMe = createRoute({
  method: 'get',
  path: '/api/me',
  tags: ['me'],
  operationId: 'getMe',
  summary: 'Who is signed in',
  responses: { 200: json(me, 'You'), ...problems(401) },
})

const postToken = createRoute({
  method: 'post',
  path: '/api/token',
  tags: ['me'],
  operationId: 'makeToken',
  summary: 'A bearer token for scripts, for one hour',
  description: 'Only for a browser that is signed in (login cookie): a bearer token can’t renew itself.',
  security: [{ login: [] }],
  responses: { 201: json(token, 'The token; shown this once'), ...problems(401, 403) },
})

const putPassword = createRoute({
  method: 'put',
  path: '/api/me/password',
  tags: ['password'],
  operationId: 'changePassword',
  summary: 'Another password',
  description:
    'For the launcher’s own users. Every other browser is signed out, and tokens end; a browser that asks by its login cookie gets a new one.',
  request: { body: jsonBody(passwordRequest) },
  responses: { 204: { description: 'Changed' }, ...problems(400, 401, 403, 409, 429) },
})

export function metaRoutes(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.openapi(getMe, (c) => c.json(wireMe(c.var.who), 200))
  app.openapi(putPassword, async (c) => {
    const { current, next } = c.req.valid('json')
    const { who } = c.var
    const cookie = await deps.auth.changePassword(who, { current, next, address: deps.clientAddress(c) })
    if (who.loginId !== null) c.header('set-cookie', loginCookie(cookie, deps.appOrigin.startsWith('https:')))
    return c.body(null, 204)
  })
  app.openapi(postToken, async (c) => {
    const issued = await deps.auth.apiTokens.issue(c.var.who)
    if (issued === null)
      throw new LauncherError(
        'not-allowed',
        'A token can only be made by a browser that is signed in, not with another token.',
      )
    return c.json(
      { token: issued.token, tokenType: 'Bearer' as const, expiresAt: new Date(issued.expiresAt).toISOString() },
      201,
    )
  })
}

/** Public: no secret in them, and nothing about anybody. */
export function openRoutes(app: OpenAPIHono<Env>, deps: ApiDeps): void {
  app.get('/healthz', (c) => c.json({ status: 'ok' }))
  app.get('/.well-known/jwks.json', (c) => {
    c.header('cache-control', 'public, max-age=300')
    return c.json({ keys: [deps.auth.keys.publicJwk] })
  })
}
