/** Tells an address that does not exist from one that exists for other methods. */
import type { Hono, Env as HonoEnv } from 'hono'
import { TrieRouter } from 'hono/router/trie-router'

const methods = ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']

/**
 * @returns the methods that an address answers, empty when it is no address at all. Asked only when nothing matched, so
 * the table is made then, once.
 */
export function allowedMethods<E extends HonoEnv>(app: Hono<E>): (path: string) => string[] {
  let router: TrieRouter<true> | undefined
  return (path) => {
    if (router === undefined) {
      router = new TrieRouter<true>()
      // `ALL` are middlewares here, never an answer.
      for (const route of app.routes) if (route.method !== 'ALL') router.add(route.method, route.path, true)
    }
    const known = router
    const found = methods.filter((method) => known.match(method, path)[0].length > 0)
    return found.includes('GET') ? ['GET', 'HEAD', ...found.filter((method) => method !== 'GET')] : found
  }
}
