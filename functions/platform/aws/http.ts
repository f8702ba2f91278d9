/**
 * A Hono app behind a function URL. Such an address is open to the whole internet, so the secret that CloudFront adds comes
 * first: without it nothing of the request is read.
 */
import { createHash, timingSafeEqual } from 'node:crypto'
import { isIP } from 'node:net'
import type { Context, Hono } from 'hono'
import { handle, type LambdaEvent } from 'hono/aws-lambda'
import { isLauncherError } from '../../core/errors.ts'
import type { Clock } from '../../core/ports.ts'
import { jsonLog } from './log.ts'
import { oncePer } from './once-per.ts'
import { openPlatform, type Platform } from './platform.ts'
import { originSecretHeader } from './settings.ts'

const clock: Clock = { now: () => Date.now() }
/** How long a Lambda goes by what it has read of its deployment, ms. */
const keptMs = 10 * 60_000
/** A secret that is not known may be a new one; asked for at most this often, or strangers could make us ask all the time. */
const refreshMs = 30_000

type Event = LambdaEvent & { headers?: Record<string, string | undefined> }
export type HttpHandler = (event: Event) => Promise<unknown>

/** @param createApp made once per process and deployment; what it reads from disk is read then */
export function httpHandler(createApp: (platform: Platform) => Promise<Hono>): HttpHandler {
  const serve = async () => {
    const platform = await openPlatform(process.env)
    return { answer: handle(await createApp(platform)), originSecrets: platform.originSecrets }
  }
  const current = oncePer(keptMs, serve, clock)
  let refreshedAt = clock.now()
  return async (event) => {
    try {
      const said = event.headers?.[originSecretHeader] ?? ''
      if (said === '') return refused()
      let app = await current()
      if (!isOne(said, app.originSecrets) && clock.now() - refreshedAt > refreshMs) {
        refreshedAt = clock.now()
        app = await current(true)
      }
      return isOne(said, app.originSecrets) ? await app.answer(withoutSecret(event)) : refused()
    } catch (error) {
      return failed(error)
    }
  }
}

/** Hashed first: comparing must take as long for a wrong length as for a wrong last letter. */
function isOne(said: string, secrets: readonly string[]): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const given = digest(said)
  return secrets.map((secret) => timingSafeEqual(digest(secret), given)).includes(true)
}

/** The app has no use for it, and what it never sees it can't log. */
function withoutSecret(event: Event): Event {
  const { [originSecretHeader]: _secret, ...headers } = event.headers ?? {}
  return { ...event, headers } as Event
}

const text = (statusCode: number, body: string) => ({
  statusCode,
  headers: { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' },
  body: `${body}\n`,
})

const refused = () => text(403, 'This address answers through the launcher’s own address only.')

/** Before there is an app to say it well: the deployment is not complete, or its parameters can't be used. */
function failed(error: unknown) {
  const words = isLauncherError(error) ? error.message : 'The launcher can’t start just now. Try again in a minute.'
  jsonLog('error', 'function failed', {
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  })
  return text(503, words)
}

/**
 * `CloudFront-Viewer-Address` is `<address>:<port>`, written by CloudFront itself whatever a client sends; it can be
 * believed because only CloudFront knows the secret.
 */
export function clientAddress(c: Context): string {
  const said = c.req.header('cloudfront-viewer-address') ?? ''
  const address = said.slice(0, Math.max(0, said.lastIndexOf(':'))).replace(/^\[|\]$/g, '')
  // Anything else is not CloudFront's word, and would become a key of the store.
  return isIP(address) === 0 ? 'unknown' : address
}
