/** Signing in and out in a browser, and the way into a viewer's page. */
import { afterAll, describe, expect, it } from 'vitest'
import { returnPath } from '../../functions/api/pages/return-path.ts'
import { hashNonce, newNonce, verifyTicket } from '../../functions/auth/tickets.ts'
import { openTestApp } from '../support/app.ts'
import { appOrigin, aUser, viewOrigin } from '../support/people.ts'
import { tempDir } from '../support/temp-dir.ts'

const bed = await openTestApp(tempDir(), {
  auth: {
    signInLimits: { byName: { attempts: 3, windowMs: 60_000 }, byAddress: { attempts: 1000, windowMs: 60_000 } },
  },
})
afterAll(() => bed.store.close())
const passwordHash = await bed.deps.auth.passwords.hash('correct horse')
const post = async (
  path: string,
  fields: Record<string, string>,
  headers: Record<string, string> = { origin: appOrigin },
) => bed.app.request(`${appOrigin}${path}`, { method: 'POST', headers, body: new URLSearchParams(fields) })
const get = async (path: string, cookie = '') => bed.app.request(`${appOrigin}${path}`, { headers: { cookie } })
const cookieOf = (answer: Response) => (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''

let people = 0
async function aPerson() {
  const user = aUser({ name: `person-${++people}`, passwordHash, createdAt: bed.clock.now() })
  await bed.users.put(user)
  return user.name
}

describe('signing in', () => {
  it('goes where one wanted to go, with a cookie that is for this host and not for scripts', async () => {
    const name = await aPerson()
    const asked = await get('/datasets/pbmc?x=1')
    expect([asked.status, asked.headers.get('location')]).toEqual([303, '/sign-in?return=%2Fdatasets%2Fpbmc%3Fx%3D1'])
    const page = await (await get(asked.headers.get('location') ?? '')).text()
    expect(page).toContain('name="return" value="/datasets/pbmc?x=1"')
    const answer = await post('/sign-in', { name, password: 'correct horse', return: '/datasets/pbmc?x=1' })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/datasets/pbmc?x=1'])
    expect(answer.headers.get('set-cookie')).toMatch(
      /^cxod-login=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax; Max-Age=604800$/,
    )
    expect((await get('/', cookieOf(answer))).status).toBe(200)
    // Signed in already: no second form.
    expect((await get('/sign-in?return=/sessions', cookieOf(answer))).headers.get('location')).toBe('/sessions')
  })

  it('shows what was wrong, keeps the name, and counts', async () => {
    const name = await aPerson()
    for (let n = 0; n < 3; n++) {
      const wrong = await post('/sign-in', { name, password: 'wrong', return: '/sessions' })
      const html = await wrong.text()
      expect(wrong.status).toBe(401)
      expect(html).toContain('The name or the password is not right.')
      expect(html).toContain(`value="${name}"`)
      expect(html).toContain('name="return" value="/sessions"')
      expect(html).not.toContain('value="wrong"')
      expect(wrong.headers.get('set-cookie')).toBeNull()
    }
    const stopped = await post('/sign-in', { name, password: 'correct horse' })
    expect([stopped.status, stopped.headers.get('retry-after')]).toEqual([429, '60'])
    expect(await stopped.text()).toContain('Try again in a minute.')
    expect((await post('/sign-in', { name })).status).toBe(400)
  })

  it('is for our own form alone: another site could else sign a browser in as itself', async () => {
    const name = await aPerson()
    for (const headers of [{}, { origin: 'https://evil.example.org' }, { origin: viewOrigin }]) {
      const answer = await post('/sign-in', { name, password: 'correct horse' }, headers as Record<string, string>)
      expect([answer.status, answer.headers.get('set-cookie')]).toEqual([403, null])
    }
  })

  it.each([
    ['//evil.example.org', '/'],
    ['//evil.example.org/sessions', '/'],
    ['/\\evil.example.org', '/'],
    ['https://evil.example.org/', '/'],
    ['javascript:alert(1)', '/'],
    ['/\t/evil.example.org', '/'],
    ['sessions', '/'],
    ['', '/'],
    ['/open/pbmc?nonce=a&b=%2F', '/open/pbmc?nonce=a&b=%2F'],
    ['/../x', '/x'],
  ])('never sends anybody to another site: %j', (given, path) => expect(returnPath(given, appOrigin)).toBe(path))

  it('ends by sign-out, on the server too', async () => {
    const name = await aPerson()
    const cookie = cookieOf(await post('/sign-in', { name, password: 'correct horse' }))
    expect((await post('/sign-out', {}, { cookie, origin: 'https://evil.example.org' })).status).toBe(403)
    expect((await get('/', cookie)).status).toBe(200)
    const out = await post('/sign-out', {}, { cookie, origin: appOrigin })
    expect([out.status, out.headers.get('location')]).toEqual([303, '/sign-in'])
    expect(out.headers.get('set-cookie')).toMatch(/^cxod-login=; .*Max-Age=0$/)
    expect((await get('/', cookie)).status).toBe(303)
  })
})

describe('the admin link', () => {
  it('is spent by the form, never by looking at it', async () => {
    const link = new URL(bed.deps.auth.adminLinks.create().url)
    // What a link preview does, as often as it likes: a browser sends nothing of what stands behind #.
    for (let n = 0; n < 3; n++) expect((await get(link.pathname)).status).toBe(200)
    const secret = link.hash.slice(1)
    expect((await post('/sign-in/link', { secret }, { origin: 'https://evil.example.org' })).status).toBe(403)
    const answer = await post('/sign-in/link', { secret })
    expect([answer.status, answer.headers.get('location')]).toEqual([303, '/'])
    expect(await (await get('/', cookieOf(answer))).text()).toContain('(administrator)')
    const again = await post('/sign-in/link', { secret })
    expect([again.status, again.headers.get('set-cookie')]).toEqual([401, null])
    expect(await again.text()).toContain('npm run users -- passwd admin')
  })

  it('takes the whole link where only its secret was asked for', async () => {
    const { url } = bed.deps.auth.adminLinks.create()
    expect((await post('/sign-in/link', { secret: `  ${url} ` })).status).toBe(303)
  })
})

describe('the way into a viewer’s page', () => {
  const signing = { keys: bed.deps.auth.keys, clock: bed.clock, viewOrigin }

  it('asks to sign in, comes back, and hands over a ticket that only the asking browser can use', async () => {
    const nonce = newNonce()
    const path = `/open/pbmc?nonce=${hashNonce(nonce)}`
    expect((await get(path)).headers.get('location')).toBe(`/sign-in?return=${encodeURIComponent(path)}`)
    const ada = await bed.browser({ name: 'open-ada' })
    const before = bed.tasks.started.length
    const answer = await ada.get(path)
    const to = new URL(answer.headers.get('location') ?? '')
    expect([answer.status, to.origin, to.pathname]).toEqual([303, viewOrigin, '/v/pbmc/-/enter'])
    const ticket = to.searchParams.get('ticket') ?? ''
    const claim = await verifyTicket(ticket, { pageId: 'pbmc', nonce }, signing)
    expect(claim).toMatchObject({ ownerId: 'local:open-ada', ownerName: 'open-ada', pageId: 'pbmc' })
    expect(await bed.deps.auth.checkLogin(claim?.loginId ?? '', claim?.ownerId ?? '')).toMatchObject({
      id: 'local:open-ada',
    })
    expect(await verifyTicket(ticket, { pageId: 'pbmc', nonce: newNonce() }, signing)).toBeNull()
    // A GET never launches.
    expect(bed.tasks.started.length).toBe(before)
  })

  it('begins on the page itself when there is no browser to bind a ticket to', async () => {
    const ada = await bed.browser({ name: 'open-ada' })
    for (const path of [
      '/open/pbmc',
      '/open/pbmc?nonce=',
      '/open/pbmc?nonce=short',
      `/open/pbmc?nonce=${'x'.repeat(500)}`,
    ])
      expect((await ada.get(path)).headers.get('location')).toBe(`${viewOrigin}/v/pbmc/`)
    expect((await ada.get(`/open/nothing?nonce=${'n'.repeat(43)}`)).status).toBe(404)
  })

  it('is for browsers that are signed in, so that sign-out ends what it opened', async () => {
    const ada = await bed.browser({ name: 'open-ada' })
    const { token } = (await (await ada.send('POST', '/api/token')).json()) as { token: string }
    const answer = await bed.app.request(`${appOrigin}/open/pbmc?nonce=${'n'.repeat(43)}`, {
      headers: { authorization: `Bearer ${token}` },
    })
    expect([answer.status, answer.headers.get('location')]).toEqual([403, null])
  })
})
