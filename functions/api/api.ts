/** The HTTP API as a value: `/api`, `/gate`, the OpenAPI document, and problem documents for everything that goes wrong. */
import { OpenAPIHono } from '@hono/zod-openapi'
import { LauncherError } from '../core/errors.ts'
import { type ApiDeps, type Env, smallBodyBytes, uploadLimit } from './deps.ts'
import { commonHeaders, limitBodies, limitTime, requireSignIn } from './guards.ts'
import { allowedMethods } from './not-found.ts'
import { describeApi } from './openapi.ts'
import { methodNotAllowed, problemResponse, toProblem } from './problem.ts'
import { annotationRoutes } from './routes/annotations.ts'
import { datasetRoutes } from './routes/datasets.ts'
import { gateRoutes } from './routes/gate.ts'
import { linkRoutes } from './routes/links.ts'
import { metaRoutes, openRoutes } from './routes/meta.ts'
import { sessionRoutes } from './routes/sessions.ts'

export type { ApiDeps } from './deps.ts'

/** Files of labels are the one large thing that people send. */
const isUpload = (method: string, path: string): boolean => method === 'PUT' && path.endsWith('/annotations/labels')

/** Serve `createApi(deps).fetch`. On one machine the same value also serves the gates' Unix socket. */
export function createApi(deps: ApiDeps): OpenAPIHono<Env> {
  const app = new OpenAPIHono<Env>({
    defaultHook: (result) => {
      if (result.success) return
      const where = result.error.issues.map((issue) => `${issue.path.join('.') || result.target}: ${issue.message}`)
      throw new LauncherError('bad-request', `The request can’t be read: ${where.join('; ').slice(0, 500)}.`)
    },
  })
  app.use('*', commonHeaders(deps.appOrigin.startsWith('https:')), limitTime(deps.limits.apiTimeoutMs))
  const limit = limitBodies(smallBodyBytes, uploadLimit(deps.launcher.directBytes), isUpload)
  openRoutes(app, deps)
  describeApi(app, deps.appOrigin)

  const signedIn = requireSignIn({ authenticate: deps.auth.authenticate, appOrigin: deps.appOrigin })
  app.use('/api/*', limit.small, signedIn, limit.large)
  metaRoutes(app, deps)
  datasetRoutes(app, deps)
  sessionRoutes(app, deps)
  annotationRoutes(app, deps)
  linkRoutes(app, deps)
  app.route('/gate', gateRoutes(deps))

  const allowed = allowedMethods(app)
  app.notFound((c) => {
    const methods = allowed(c.req.path)
    if (methods.length > 0) return problemResponse(c, methodNotAllowed(c.req.method, methods))
    const missing = new LauncherError(
      'not-found',
      'There is nothing at this address. /openapi.json lists what there is.',
    )
    return problemResponse(c, toProblem(missing, { method: c.req.method, path: c.req.path, log: deps.log }))
  })
  app.onError((error, c) =>
    problemResponse(c, toProblem(error, { method: c.req.method, path: c.req.path, log: deps.log })),
  )
  return app
}
