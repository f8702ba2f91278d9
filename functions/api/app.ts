/** Everything on the app origin: the API where programs look, pages everywhere else. */
import { Hono } from 'hono'
import { createApi } from './api.ts'
import { createWeb, type WebDeps } from './pages/web.tsx'

export type { WebDeps } from './pages/web.tsx'

const apiPaths = ['/api', '/gate', '/.well-known', '/openapi.json', '/healthz']

export function createApp(deps: WebDeps): Hono {
  const api = createApi(deps)
  const web = createWeb(deps)
  const app = new Hono()
  app.all('*', (c) => {
    const forApi = apiPaths.some((path) => c.req.path === path || c.req.path.startsWith(`${path}/`))
    return forApi ? api.fetch(c.req.raw, c.env) : web.fetch(c.req.raw, c.env)
  })
  return app
}
