/** Another password, by page and by API: with the one that is known only, and everything else that was open ends. */
import { afterAll, describe, expect, it } from 'vitest'
import { callApi, openApiOf, openTestApp } from '../support/app.ts'
import { conformTo } from '../support/conform.ts'
import { aPrincipal, appOrigin } from '../support/people.ts'
import { tempDir } from '../support/temp-dir.ts'

const bed = await openTestApp(tempDir(), {
  auth: {
    signInLimits: { byName: { attempts: 4, windowMs: 60_000 }, byAddress: { attempts: 1000, windowMs: 60_000 } },
  },
})
afterAll(() => bed.store.close())
const conform = conformTo(await openApiOf(bed))
const { auth } = bed.deps
const passwordHash = await auth.passwords.hash('correct horse')
const fields = { current: 'correct horse', next: 'battery staple', again: 'battery staple' }
const cookieOf = (answer: Response) => (answer.headers.get('set-cookie') ?? '').split(';')[0] ?? ''

let people = 0
/** Somebody with two browsers, the second of which has a token for scripts and a page open on the view origin. */
async function aPerson() {
  const name = `person-${++people}`
  const [here, there] = [await bed.browser({ name, passwordHash }), await bed.browser({ name, passwordHash })]
  const { token } = (await (await there.send('POST', '/api/token')).json()) as { token: string }
  const opened = async () => ({
    there: (await there.get('/')).status,
    token: (await bed.app.request(`${appOrigin}/api/me`, { headers: { authorization: `Bearer ${token}` } })).status,
    page: (await auth.checkLogin(there.who.loginId ?? '', there.who.id)) !== null,
  })
  const signIn = (password: string) => auth.signIn({ name, password, address: '192.0.2.9' })
  return { name, here, there, token, opened, signIn }
}
const ended = { there: 303, token: 401, page: false }

describe('another password', () => {
  it('by the page: this browser stays, everything else ends, and only the new one signs in', async () => {
    const { name, here, opened, signIn } = await aPerson()
    const page = await (await here.get('/account')).text()
    expect(page).toContain('action="/account/password"')
    expect(await (await here.get('/')).text()).toContain(`<a href="/account">${name}</a>`)
    expect(await opened()).toEqual({ there: 200, token: 200, page: true })
    const changed = await here.submit('/account/password', fields)
    expect([changed.status, changed.headers.get('location')]).toEqual([303, '/account?done=1'])
    expect(changed.headers.get('set-cookie')).toMatch(/^cxod-login=[\w-]{43}; Path=\/; HttpOnly; SameSite=Lax/)
    const cookie = cookieOf(changed)
    expect(await (await here.get('/account?done=1', { cookie })).text()).toContain('Your password was changed')
    expect(await opened()).toEqual(ended)
    expect((await here.get('/')).status).toBe(303)
    await expect(signIn('correct horse')).rejects.toMatchObject({ code: 'not-signed-in' })
    expect(await auth.logins.find(await signIn('battery staple'))).toMatchObject({ name })
  })

  it('by the API, with a cookie or a token; the token ends with all others', async () => {
    const one = await aPerson()
    const changed = await callApi(conform, one.here, 'PUT', '/api/me/password', {
      current: fields.current,
      next: fields.next,
    })
    expect(changed.status).toBe(204)
    expect(await one.opened()).toEqual(ended)
    const [cookie = ''] = (changed.headers.get('set-cookie') ?? '').split(';')
    expect((await one.here.get('/api/me', { cookie })).status).toBe(200)

    const two = await aPerson()
    const answer = await bed.app.request(`${appOrigin}/api/me/password`, {
      method: 'PUT',
      headers: { authorization: `Bearer ${two.token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ current: fields.current, next: fields.next }),
    })
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([204, null])
    expect(await two.opened()).toEqual(ended)
  })

  it.each([
    [{ ...fields, current: 'wrong horse' }, 403, 'The current password is not right.'],
    [{ ...fields, again: 'battery stable' }, 400, 'The two new passwords differ.'],
    [{ ...fields, next: 'short', again: 'short' }, 400, '10 to 256 characters'],
    [{ ...fields, next: fields.current, again: fields.current }, 400, 'the password that you have already'],
    [{ next: fields.next, again: fields.next }, 400, '“current” is missing'],
  ] as [Record<string, string>, number, string][])('is refused, and nothing ends: %j', async (given, status, words) => {
    const { here, opened, signIn } = await aPerson()
    const answer = await here.submit('/account/password', given)
    const html = await answer.text()
    expect([answer.status, answer.headers.get('set-cookie')]).toEqual([status, null])
    expect(html).toContain(words)
    expect(html).not.toContain('battery')
    expect(await opened()).toEqual({ there: 200, token: 200, page: true })
    await signIn('correct horse')
  })

  it('is guessed no more often than at sign-in', async () => {
    const { here, signIn } = await aPerson()
    for (let times = 0; times < 4; times++) await here.submit('/account/password', { ...fields, current: 'wrong' })
    const stopped = await here.submit('/account/password', fields)
    expect([stopped.status, stopped.headers.get('retry-after')]).toEqual([429, '60'])
    await expect(signIn('correct horse')).rejects.toMatchObject({ code: 'too-many-attempts' })
  })

  it('is for who has one here: not by another site, not for other people’s users, not without a first one', async () => {
    const { here, opened } = await aPerson()
    const forged = await here.submit('/account/password', fields, { origin: 'https://evil.example.org' })
    expect(forged.status).toBe(403)
    expect(await opened()).toEqual({ there: 200, token: 200, page: true })
    const change = { current: fields.current, next: fields.next, address: '192.0.2.9' }
    await expect(auth.changePassword(aPrincipal({ id: 'corp:person-1' }), change)).rejects.toMatchObject({
      code: 'not-allowed',
      message: expect.stringContaining('identity provider'),
    })
    const admin = await bed.browser({ name: 'admin', admin: true, passwordHash: null })
    expect(await (await admin.submit('/account/password', fields)).text()).toContain('users -- passwd admin')
    const page = await (await admin.get('/account')).text()
    expect(page).toContain('<code>npm run users -- passwd admin</code>')
    expect(page).not.toContain('type="password"')
  })
})

describe('the tests above', () => {
  it('have seen the API’s operation succeed', () => expect(conform.unseen('password')).toEqual([]))
})
