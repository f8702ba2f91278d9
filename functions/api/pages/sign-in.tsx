/** Signing in and out. */
import type { Context, Hono } from 'hono'
import { AdminLinkPage, SignInPage } from '../../../web/sign-in.tsx'
import { loginCookie, readLoginCookie } from '../../auth/logins.ts'
import { isLauncherError } from '../../core/errors.ts'
import type { Env } from '../deps.ts'
import { assertOwnOrigin } from '../guards.ts'
import { problemHeaders, toProblem } from '../problem.ts'
import type { WebDeps } from './deps.ts'
import { field, readForm } from './forms.ts'
import type { Render } from './render.ts'
import { returnPath } from './return-path.ts'

export function signInRoutes(app: Hono<Env>, deps: WebDeps, { frame, html }: Render): void {
  const { auth, appOrigin, clientAddress, log } = deps
  const secure = appOrigin.startsWith('https:')
  const nobody = frame(null)

  const signedIn = (c: Context, cookieValue: string, to: string): Response => {
    c.header('set-cookie', loginCookie(cookieValue, secure))
    return c.redirect(to, 303)
  }
  /** The words of a refused sign-in, for its own page; anything else is for the error page. */
  const refusal = (c: Context, error: unknown) => {
    if (!isLauncherError(error)) throw error
    const problem = toProblem(error, { method: c.req.method, path: c.req.path, log })
    for (const [name, value] of Object.entries(problemHeaders(problem))) c.header(name, value)
    return problem
  }

  app.get('/sign-in', async (c) => {
    const to = returnPath(c.req.query('return'), appOrigin)
    if ((await auth.authenticate(c.req.raw)) !== null) return c.redirect(to, 303)
    return html(c, <SignInPage frame={nobody} returnTo={to} />)
  })

  app.post('/sign-in', async (c) => {
    // Also before anybody is known: else another site could sign a browser in as its own user, and keep the work.
    assertOwnOrigin(c.req.raw, appOrigin)
    const form = await readForm(c)
    const to = returnPath(form.get('return'), appOrigin)
    const name = field(form, 'name', 200)
    try {
      const attempt = { name, password: field(form, 'password', 1000), address: clientAddress(c) }
      return signedIn(c, await auth.signIn(attempt), to)
    } catch (error) {
      const { status, detail } = refusal(c, error)
      return html(c, <SignInPage frame={nobody} returnTo={to} name={name} trouble={detail} />, status)
    }
  })

  app.get('/sign-in/link', (c) => html(c, <AdminLinkPage frame={nobody} />))

  app.post('/sign-in/link', async (c) => {
    assertOwnOrigin(c.req.raw, appOrigin)
    const secret = field(await readForm(c), 'secret', 200)
    try {
      return signedIn(c, await auth.signInByLink(secret.replace(/^.*#/, '').trim()), '/')
    } catch (error) {
      const { status, detail } = refusal(c, error)
      return html(c, <AdminLinkPage frame={nobody} trouble={detail} />, status)
    }
  })

  app.post('/sign-out', async (c) => {
    assertOwnOrigin(c.req.raw, appOrigin)
    const cookie = readLoginCookie(c.req.raw, secure)
    if (cookie !== null) await auth.logins.close(cookie)
    c.header('set-cookie', loginCookie(null, secure))
    return c.redirect('/sign-in', 303)
  })
}
