/** What stands before every route: size, time, who is asking, and whether a browser was tricked into asking. */
import type { Context, MiddlewareHandler } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { setCommonHeaders } from '../auth/common-headers.ts'
import type { Authenticate } from '../auth/principal.ts'
import { LauncherError } from '../core/errors.ts'
import type { Env } from './deps.ts'

/** Throws `too-large` as soon as a body passes `bytes`, announced or not. */
export function limitBody(bytes: number, advice = ''): MiddlewareHandler {
  return bodyLimit({
    maxSize: bytes,
    onError: () => {
      throw tooLarge(bytes, advice)
    },
  })
}

export const tooLarge = (bytes: number, advice = ''): LauncherError =>
  new LauncherError('too-large', `The body is larger than ${size(bytes)}.${advice}`, { limitBytes: bytes })

/**
 * A small limit for all but the few calls that bring a file: theirs comes with `large`, which belongs behind the sign-in. A body
 * of unknown length is taken into memory by whoever limits it, and nobody without an account may fill that.
 */
export function limitBodies(
  small: number,
  file: { bytes: number; advice: string },
  bringsFile: (method: string, path: string) => boolean,
) {
  const [limitSmall, limitFile] = [limitBody(small), limitBody(file.bytes, file.advice)]
  const when =
    (wanted: boolean, limit: MiddlewareHandler): MiddlewareHandler =>
    (c, next) =>
      bringsFile(c.req.method, c.req.path) === wanted ? limit(c, next) : next()
  return { small: when(false, limitSmall), large: when(true, limitFile) }
}

const size = (bytes: number): string => (bytes >= 2 ** 20 ? `${bytes / 2 ** 20} MiB` : `${bytes / 2 ** 10} KiB`)

/** Throws `unavailable` after `ms`: a caller must not wait for ever. What was begun goes on; every step may be repeated. */
export function limitTime(ms: number): MiddlewareHandler {
  return async (_c, next) => {
    let timer: ReturnType<typeof setTimeout> | undefined
    const late = new Promise<never>((_resolve, reject) => {
      const message = `This took longer than ${Math.ceil(ms / 1000)} seconds. Trying again is safe.`
      timer = setTimeout(() => reject(new LauncherError('unavailable', message)), ms)
    })
    try {
      await Promise.race([next(), late])
    } finally {
      clearTimeout(timer)
    }
  }
}

/**
 * The state changes of a browser must come from our own pages: browsers send `Origin` on every POST, PUT and DELETE, and
 * no page can forge it. SameSite alone would not do, because every port of `localhost` is the same site.
 */
export function assertOwnOrigin(request: Request, appOrigin: string): void {
  const origin = request.headers.get('origin')
  if (origin === appOrigin) return
  throw new LauncherError(
    'not-allowed',
    `This has to be sent from the launcher’s own pages. Open the launcher at ${appOrigin} and try again there.`,
    { expectedOrigin: appOrigin },
  )
}

const safeMethods = ['GET', 'HEAD', 'OPTIONS']

/** Sets `who`; throws `not-signed-in`, and `not-allowed` for a change by cookie that another site asked for. */
export function requireSignIn(deps: { authenticate: Authenticate; appOrigin: string }): MiddlewareHandler<Env> {
  return async (c, next) => {
    const known = await deps.authenticate(c.req.raw)
    if (known === null)
      throw new LauncherError(
        'not-signed-in',
        'Sign in, or send a valid bearer token. This one is missing, too old or not known here.',
      )
    if (known.via === 'cookie' && !safeMethods.includes(c.req.method)) assertOwnOrigin(c.req.raw, deps.appOrigin)
    c.set('who', known.who)
    await next()
  }
}

/** On every answer of the app origin that sets nothing stricter of its own. */
export function commonHeaders(secure: boolean): MiddlewareHandler {
  return async (c: Context, next) => {
    await next()
    setCommonHeaders(c.res.headers, secure)
  }
}
