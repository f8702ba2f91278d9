/** The pages of the app origin as a value. */
import { type Context, Hono } from 'hono'
import { MessagePage } from '../../../web/message.tsx'
import { LauncherError } from '../../core/errors.ts'
import type { Principal } from '../../core/principal.ts'
import { type Env, smallBodyBytes, uploadLimit } from '../deps.ts'
import { assertOwnOrigin, commonHeaders, limitBodies, limitTime } from '../guards.ts'
import { allowedMethods } from '../not-found.ts'
import { methodNotAllowed, type Problem, problemHeaders, toProblem } from '../problem.ts'
import { accountPages } from './account.tsx'
import { assetRoutes } from './assets.ts'
import { datasetPages } from './datasets.tsx'
import type { WebDeps } from './deps.ts'
import { guestRoutes } from './guests.tsx'
import { linkPages } from './links.tsx'
import { minePages } from './mine.tsx'
import { createRender } from './render.ts'
import { returnPath, signInAddress } from './return-path.ts'
import { signInRoutes } from './sign-in.tsx'

export type { WebDeps } from './deps.ts'

export function createWeb(deps: WebDeps): Hono<Env> {
  const { auth, appOrigin, limits, log } = deps
  const render = createRender(deps)
  const app = new Hono<Env>()
  const isUpload = (method: string, path: string) => method === 'POST' && path.endsWith('/labels/upload')
  const limit = limitBodies(smallBodyBytes, uploadLimit(deps.launcher.directBytes), isUpload)
  app.use('*', commonHeaders(appOrigin.startsWith('https:')), limitTime(limits.apiTimeoutMs), limit.small)
  assetRoutes(app, deps.assets)
  signInRoutes(app, deps, render)
  guestRoutes(app, deps, render)

  // From here on somebody must be signed in, and an address that nobody knows says so to them only.
  app.use('*', async (c, next) => {
    const known = await auth.authenticate(c.req.raw)
    if (known === null) return c.redirect(signInAddress(pathToReturnTo(c, appOrigin)), 303)
    c.set('who', known.who)
    if (c.req.method !== 'GET' && c.req.method !== 'HEAD' && known.via === 'cookie')
      assertOwnOrigin(c.req.raw, appOrigin)
    return next()
  })
  app.use('*', limit.large)
  datasetPages(app, deps, render)
  minePages(app, deps, render)
  accountPages(app, deps, render)
  linkPages(app, deps, render)

  const allowed = allowedMethods(app)
  const show = (c: Context<Env>, problem: Problem): Promise<Response> => {
    for (const [name, value] of Object.entries(problemHeaders(problem))) c.header(name, value)
    const who: Principal | undefined = c.get('who')
    const page = (
      <MessagePage
        frame={render.frame(who ?? null)}
        title={problem.title}
        text={problem.detail}
        links={wayOn(problem)}
      />
    )
    return render.html(c, page, problem.status)
  }
  app.notFound((c) => {
    const methods = allowed(c.req.path)
    if (methods.length > 0) return show(c, methodNotAllowed(c.req.method, methods))
    const missing = new LauncherError(
      'not-found',
      'There is no page at this address. It may have been mistyped, or what it showed is gone.',
    )
    return show(c, toProblem(missing, { method: c.req.method, path: c.req.path, log }))
  })
  app.onError((error, c) => show(c, toProblem(error, { method: c.req.method, path: c.req.path, log })))
  return app
}

/** A page is come back to; a form can't be, since its fields are gone. */
function pathToReturnTo(c: Context, appOrigin: string): string {
  if (c.req.method !== 'GET') return '/'
  const { pathname, search } = new URL(c.req.url)
  return returnPath(pathname + search, appOrigin)
}

/** Where somebody goes who met this problem. */
function wayOn(problem: Problem): { href: string; label: string }[] {
  const catalogue = { href: '/', label: 'All datasets' }
  if (problem.code === 'too-many-sessions') return [{ href: '/sessions', label: 'My sessions' }, catalogue]
  if (problem.code === 'base-mismatch') return [{ href: '/annotations', label: 'My annotations' }, catalogue]
  if (problem.code === 'not-allowed' && typeof problem.expectedOrigin === 'string')
    return [{ href: problem.expectedOrigin, label: 'Open the launcher' }]
  return [catalogue]
}
