/** Somebody who uses the launcher's API as a browser does, without one: signed in by the form, with the cookie of that. */
import type { LauncherProcess } from './launcher-process.ts'
import { password } from './people-of-launcher.ts'

export type ApiUser = {
  call(path: string, init?: { method?: string; body?: unknown }): Promise<{ status: number; json: unknown }>
  launch(datasetId: string): Promise<string>
  /** The state of a session, now. */
  stateOf(sessionId: string): Promise<string>
  until(sessionId: string, state: string): Promise<void>
}

type At = Pick<LauncherProcess, 'appUrl' | 'signInUrl'>

/** The administrator, by the link that the launcher printed: works once. */
export const byLink = (launcher: At): Promise<ApiUser> =>
  signedIn(launcher, '/sign-in/link', { secret: new URL(launcher.signInUrl).hash.slice(1) })

/** One of `people-of-launcher`. */
export const byPassword = (launcher: At, name: string): Promise<ApiUser> =>
  signedIn(launcher, '/sign-in', { name, password, return: '/' })

async function signedIn({ appUrl }: At, path: string, form: Record<string, string>): Promise<ApiUser> {
  const answer = await fetch(`${appUrl}${path}`, {
    method: 'POST',
    body: new URLSearchParams(form),
    headers: { origin: appUrl },
    redirect: 'manual',
  })
  const cookie = answer.headers.get('set-cookie')?.split(';')[0]
  if (answer.status !== 303 || !cookie) throw new Error(`sign-in: ${answer.status} ${await answer.text()}`)

  const user: ApiUser = {
    async call(to, { method = 'GET', body } = {}) {
      const headers = { cookie, origin: appUrl, 'content-type': 'application/json' }
      const sent = body === undefined ? {} : { body: JSON.stringify(body) }
      const response = await fetch(`${appUrl}${to}`, { method, headers, ...sent })
      const text = await response.text()
      return { status: response.status, json: text.startsWith('{') ? JSON.parse(text) : text }
    },
    async launch(datasetId) {
      const { status, json } = await user.call('/api/sessions', { method: 'POST', body: { datasetId } })
      if (status >= 300) throw new Error(`launch: ${status} ${JSON.stringify(json)}`)
      return (json as { id: string }).id
    },
    async stateOf(sessionId) {
      const { status, json } = await user.call(`/api/sessions/${sessionId}`)
      return status === 200 ? (json as { state: string }).state : `answered ${status}`
    },
    async until(sessionId, state) {
      for (let left = 1500; left > 0; left -= 1) {
        const now = await user.stateOf(sessionId)
        if (now === state) return
        if (now === 'failed')
          throw new Error(`failed: ${JSON.stringify(await user.call(`/api/sessions/${sessionId}`))}`)
        await new Promise((resolve) => setTimeout(resolve, 100))
      }
      throw new Error(`not ${state} in time`)
    },
  }
  return user
}

/** The dataset is there and can be opened. */
export async function untilUsable(user: ApiUser, datasetId: string): Promise<void> {
  for (let left = 1500; left > 0; left -= 1) {
    const { json } = await user.call(`/api/datasets/${datasetId}`)
    if ((json as { state?: string }).state === 'usable') return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${datasetId} did not become usable`)
}
