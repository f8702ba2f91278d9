/**
 * Somebody who annotates, without a browser: signs in, gets a page as browsers do, wakes a viewer, saves labels over and
 * over, holds and repeats a save as the companion does, and remembers everything that was acknowledged.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import { labelsBody } from '../support/page-saves.ts'
import { password } from '../support/people-of-launcher.ts'

export type Acknowledged = { version: number; cell: string; word: string; saved: number }

type Status = {
  state: string
  sessionId: string | null
  route: string | null
  owner: { id: string }
  dataset: { id: string; version: string }
  problem: { code: string; title: string; detail: string } | null
}

export type Annotator = {
  name: string
  datasetId: string
  acknowledged: readonly Acknowledged[]
  /** Refusals that said something else than “try again”; none is expected. */
  faults: string[]
  /** Until a viewer is ready; wakes it as often as need be. */
  ready(timeoutMs?: number): Promise<void>
  /** One save, repeated until it is acknowledged. @param sent called when the request is on its way */
  save(options?: { sent?: () => void; timeoutMs?: number }): Promise<Acknowledged>
  /** One try of the next save, as it is. @returns status and the problem's words */
  trySave(): Promise<{ status: number; code: string }>
  status(): Promise<Status | null>
  post(what: 'wake' | 'stop' | 'keep', body?: object): Promise<number>
  /** Compares what the vault has with what was acknowledged. Empty: nothing is lost. */
  check(): Promise<string[]>
}

export type Where = { appUrl: string; viewUrl: string }

/** Cookies by path, as far as this needs them. */
class Jar {
  private readonly cookies = new Map<string, { value: string; path: string }>()
  take(response: Response): void {
    for (const line of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = line.split(';').map((part) => part.trim())
      const at = pair.indexOf('=')
      const path = attributes.find((one) => /^path=/i.test(one))?.slice(5) ?? '/'
      this.cookies.set(`${pair.slice(0, at)} ${path}`, { value: pair.slice(at + 1), path })
    }
  }
  header(path: string): string {
    return [...this.cookies]
      .filter(([, cookie]) => path.startsWith(cookie.path))
      .map(([key, { value }]) => `${key.split(' ')[0]}=${value}`)
      .join('; ')
  }
}

/** @param cells names of the cells, in the file's order */
export async function annotator(
  where: () => Where,
  name: string,
  datasetId: string,
  cells: readonly string[],
): Promise<Annotator> {
  const app = new Jar()
  const view = new Jar()
  const home = `/v/${datasetId}/`
  const acknowledged: Acknowledged[] = []
  const faults: string[] = []
  const words = new Array<string>(cells.length).fill('unassigned')
  let count = 0
  let base: string | null = null
  let known = ''

  async function ask(origin: 'app' | 'view', path: string, init: RequestInit = {}): Promise<Response> {
    const jar = origin === 'app' ? app : view
    const root = origin === 'app' ? where().appUrl : where().viewUrl
    const headers = new Headers(init.headers)
    headers.set('cookie', jar.header(path))
    if (init.method && init.method !== 'GET') headers.set('origin', root)
    const response = await fetch(root + path, {
      ...init,
      headers,
      redirect: 'manual',
      signal: init.signal ?? AbortSignal.timeout(30_000),
    })
    jar.take(response)
    return response
  }

  async function signIn(): Promise<void> {
    const body = new URLSearchParams({ name, password })
    const response = await ask('app', '/sign-in', { method: 'POST', body })
    if (response.status !== 303) throw new Error(`${name} could not sign in: ${response.status}`)
  }

  /** The dance of a browser that opens the page: to the app for a ticket and back. */
  async function openPage(): Promise<void> {
    const first = await ask('view', home)
    if (first.status !== 302) return
    const toApp = new URL(first.headers.get('location') ?? '')
    let second = await ask('app', toApp.pathname + toApp.search)
    if ((second.headers.get('location') ?? '').includes('/sign-in')) {
      await signIn()
      second = await ask('app', toApp.pathname + toApp.search)
    }
    const back = new URL(second.headers.get('location') ?? '')
    await ask('view', back.pathname + back.search)
  }

  async function status(): Promise<Status | null> {
    const response = await ask('view', `${home}-/status`)
    if (response.status === 401) {
      await openPage()
      return null
    }
    return response.ok ? ((await response.json()) as Status) : null
  }

  const post = async (what: string, body: object = {}) => {
    const init = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    return (await ask('view', `${home}-/${what}`, init)).status
  }

  const own = (now: Status) => ({ 'x-cxod-owner': now.owner.id, 'x-cxod-dataset-version': now.dataset.version })

  /** Null: nobody answers now. */
  async function readyNow(): Promise<Status | null> {
    const now = await status().catch(() => null)
    if (now?.state === 'ready' && now.route) return now
    if (now && ['none', 'asleep', 'lost', 'failed', 'stopping'].includes(now.state))
      await post('wake', { by: 'click' }).catch(() => 0)
    return null
  }

  async function send(now: Status): Promise<{ status: number; code: string; version: string | null }> {
    const route = now.route ?? ''
    if (base === null) {
      const schema = await ask('view', `${route}api/v0.2/schema`, { headers: own(now) })
      if (!schema.ok) return { status: schema.status, code: 'schema', version: null }
      base = schema.headers.get('x-cxod-labels-version') ?? 'none'
    }
    const cell = count % cells.length
    const word = `word ${count}`
    const next = [...words]
    next[cell] = word
    known = JSON.stringify({ cell, word })
    const response = await ask('view', `${route}api/v0.2/annotations/obs`, {
      method: 'PUT',
      headers: { ...own(now), 'x-cxod-base': base, 'content-type': 'application/octet-stream' },
      body: Buffer.from(labelsBody({ drill: next })),
    })
    const text = await response.text()
    const code = /"code":"([^"]+)"/.exec(text)?.[1] ?? ''
    return { status: response.status, code, version: response.headers.get('x-cxod-labels-version') }
  }

  function accept(version: string | null): Acknowledged {
    const { cell, word } = JSON.parse(known) as { cell: number; word: string }
    words[cell] = word
    base = version
    count++
    const one = { version: Number(version), cell: cells[cell] ?? '', word, saved: Date.now() }
    acknowledged.push(one)
    return one
  }

  await signIn()
  await openPage()
  return {
    name,
    datasetId,
    acknowledged,
    faults,
    status,
    post,

    async ready(timeoutMs = 90_000) {
      for (const until = performance.now() + timeoutMs; performance.now() < until; await sleep(200))
        if ((await readyNow()) !== null) return
      throw new Error(
        `${name}: no viewer within ${timeoutMs / 1000} s (${JSON.stringify(await status().catch(String))})`,
      )
    },

    async trySave() {
      const now = await readyNow()
      if (now === null) return { status: 0, code: 'no viewer' }
      const answer = await send(now)
      if (answer.status === 200) accept(answer.version)
      return answer
    },

    async save({ sent, timeoutMs = 120_000 } = {}) {
      let told = sent
      for (const until = performance.now() + timeoutMs; performance.now() < until; await sleep(150)) {
        const now = await readyNow()
        if (now === null) continue
        try {
          const sending = send(now)
          told?.()
          told = undefined
          const answer = await sending
          if (answer.status === 200) return accept(answer.version)
          if (answer.code === 'base-mismatch') {
            // Our own save whose answer was lost, and another viewer since: load anew, as a person would.
            faults.push(`${name}: base ${base} is not the newest`)
            base = null
          }
        } catch {
          // The connection broke: held, and sent again.
        }
      }
      throw new Error(`${name}: a save was not acknowledged within ${timeoutMs / 1000} s`)
    },

    async check() {
      const lost: string[] = []
      const path = `/api/datasets/${datasetId}/annotations/labels/versions`
      const listed = (await (await ask('app', path)).json()) as { items: { version: string }[] }
      const versions = new Set(listed.items.map(({ version }) => Number(version)))
      let before = 0
      for (const { version, cell, word } of acknowledged) {
        if (!versions.has(version)) lost.push(`version ${version} (${word}) is not in the history`)
        if (version <= before) lost.push(`version ${version} was acknowledged after ${before}`)
        before = version
        const csv = await (await ask('app', `${path}/${version}`)).text()
        if (!csv.split('\n').includes(`${cell},${word}`)) lost.push(`version ${version} does not say ${cell} = ${word}`)
      }
      const newest = Math.max(0, ...versions)
      const csv = newest > 0 ? await (await ask('app', `${path}/${newest}`)).text() : ''
      for (const [at, word] of words.entries())
        if (word !== 'unassigned' && !csv.split('\n').includes(`${cells[at]},${word}`))
          lost.push(`the newest version lost ${cells[at]} = ${word}`)
      return lost
    },
  }
}
