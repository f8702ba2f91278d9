/** One's own account: another password. */
import type { Context, Hono } from 'hono'
import { AccountPage } from '../../../web/account.tsx'
import { loginCookie } from '../../auth/logins.ts'
import { isLauncherError, LauncherError } from '../../core/errors.ts'
import type { Env } from '../deps.ts'
import { problemHeaders, toProblem } from '../problem.ts'
import type { WebDeps } from './deps.ts'
import { field, readForm } from './forms.ts'
import type { Render } from './render.ts'

export function accountPages(app: Hono<Env>, deps: WebDeps, { frame, html }: Render): void {
  const { auth, appOrigin, clientAddress, log } = deps

  const page = async (
    c: Context<Env>,
    status: Parameters<Render['html']>[2],
    told: { done: boolean; trouble: string },
  ) => {
    const { who } = c.var
    const missing = await auth.passwordMissing(who)
    return html(c, <AccountPage frame={frame(who)} account={who} missing={missing} {...told} />, status)
  }

  app.get('/account', (c) => page(c, 200, { done: c.req.query('done') === '1', trouble: '' }))

  app.post('/account/password', async (c) => {
    const form = await readForm(c)
    try {
      const [current, next, again] = ['current', 'next', 'again'].map((name) => field(form, name, 1000))
      if (current === undefined || next === undefined || next !== again)
        throw new LauncherError('bad-request', 'The two new passwords differ. Nothing was changed.')
      const cookie = await auth.changePassword(c.var.who, { current, next, address: clientAddress(c) })
      c.header('set-cookie', loginCookie(cookie, appOrigin.startsWith('https:')))
      return c.redirect('/account?done=1', 303)
    } catch (error) {
      if (!isLauncherError(error)) throw error
      const problem = toProblem(error, { method: 'POST', path: c.req.path, log })
      for (const [name, value] of Object.entries(problemHeaders(problem))) c.header(name, value)
      return await page(c, problem.status, { done: false, trouble: problem.detail })
    }
  })
}
