/** The ticket's rules: who may redeem it, once, when and for what; everything else is refused with a page and no redirect. */
import { createHmac } from 'node:crypto'
import { exportSPKI, SignJWT } from 'jose'
import { beforeEach, describe, expect, it } from 'vitest'
import { hashNonce, issuePageCookie, issueTicket } from '../../functions/auth/tickets.ts'
import { ada, appOrigin, bob, type LobbyTest, lobbyTest, type TestBrowser, viewOrigin } from './setup.ts'

let lobby: LobbyTest
let browser: TestBrowser
const enter = (ticket: string, by = browser) => by.get(`/v/pbmc/-/enter?ticket=${ticket}`)

async function expectRefused(response: Response, by = browser): Promise<void> {
  expect(response.status).toBe(403)
  expect(await response.text()).toContain('Try again')
  expect(by.cookies.has('cxod-page')).toBe(false)
}

beforeEach(async () => {
  lobby = await lobbyTest()
  browser = lobby.browser()
  await browser.get('/v/pbmc/')
})

describe('a browser without a page cookie', () => {
  it('is sent to the app with the hash of a nonce that only it has', async () => {
    const response = await lobby.browser().get('/v/pbmc/')
    expect(response.status).toBe(302)
    const location = new URL(response.headers.get('location') ?? '')
    expect(location.origin + location.pathname).toBe(`${appOrigin}/open/pbmc`)
    const cookie = response.headers.getSetCookie().find((line) => line.startsWith('cxod-nonce=')) ?? ''
    expect(cookie).toMatch(/; Path=\/v\/pbmc\/; HttpOnly; SameSite=Lax; Max-Age=600$/)
    const nonce = /^cxod-nonce=([^;]+)/.exec(cookie)?.[1] ?? ''
    expect(location.searchParams.get('nonce')).toBe(hashNonce(nonce))
    expect(location.href).not.toContain(nonce)
  })

  it('gets one nonce for several tabs, so that restored tabs do not shut one another out', async () => {
    const nonce = browser.cookies.get('cxod-nonce')?.value
    await browser.get('/v/pbmc/')
    expect(browser.cookies.get('cxod-nonce')?.value).toBe(nonce)
  })

  it('does not take a nonce that somebody planted and knows', async () => {
    browser.cookies.set('cxod-nonce', { value: 'short', path: '/v/pbmc/', attributes: '' })
    await browser.get('/v/pbmc/')
    expect(browser.cookies.get('cxod-nonce')?.value).toMatch(/^[\w-]{43}$/)
  })

  it('starts nothing', async () => {
    await lobby.signedIn()
    expect(lobby.launcher.launches).toEqual([])
  })
})

describe('a ticket', () => {
  it('is exchanged for a page cookie bound to the dataset, and the address is clean afterwards', async () => {
    const response = await enter(await lobby.ticket(browser))
    expect(response.status).toBe(303)
    expect(response.headers.get('location')).toBe('/v/pbmc/')
    expect(response.headers.get('referrer-policy')).toBe('no-referrer')
    expect(browser.cookies.get('cxod-page')?.attributes).toMatch(
      /; Path=\/v\/pbmc\/; HttpOnly; SameSite=Lax; Max-Age=\d+$/,
    )
    expect((await browser.get('/v/pbmc/')).status).toBe(200)
  })

  it('is refused the second time', async () => {
    const ticket = await lobby.ticket(browser)
    await enter(ticket)
    browser.cookies.delete('cxod-page')
    await expectRefused(await enter(ticket))
  })

  it('is refused when it is over a minute old', async () => {
    const ticket = await lobby.ticket(browser)
    lobby.clock.ms += 66_000
    await expectRefused(await enter(ticket))
  })

  it('is refused in another browser, with a nonce of its own or none', async () => {
    const ticket = await lobby.ticket(browser)
    const other = lobby.browser()
    await expectRefused(await enter(ticket, other), other)
    await other.get('/v/pbmc/')
    await expectRefused(await enter(ticket, other), other)
  })

  it('is refused for another dataset', async () => {
    await expectRefused(await enter(await lobby.ticket(browser, { pageId: 'liver', nonceOf: 'pbmc' })))
  })

  it('is refused when it was made for another origin', async () => {
    await expectRefused(await enter(await lobby.ticket(browser, { viewOrigin: appOrigin })))
  })

  it('is refused when its login has ended meanwhile', async () => {
    const ticket = await lobby.ticket(browser)
    lobby.logins.clear()
    await expectRefused(await enter(ticket))
  })

  it('is refused when a longer life was signed into it', async () => {
    const made = await forge({ seconds: 3600 })
    lobby.clock.ms += 66_000
    await expectRefused(await enter(made))
  })

  it.each([
    ['without an audience', { aud: null }],
    ['without an id', { jti: null }],
    ['without a nonce', { nonce: null }],
    ['without an expiry', { exp: null }],
    ['of another type', { typ: 'cxod-page+jwt' }],
    ['of no type', { typ: undefined }],
  ] as const)('is refused %s, though our key signed it', async (_what, change) => {
    await expectRefused(await enter(await forge(change)))
  })

  it('is refused with alg none', async () => {
    const [, payload] = (await lobby.ticket(browser)).split('.')
    const header = Buffer.from(JSON.stringify({ alg: 'none', typ: 'cxod-ticket+jwt' })).toString('base64url')
    await expectRefused(await enter(`${header}.${payload}.`))
  })

  it('is refused as HS256 keyed with our public key', async () => {
    const [, payload] = (await lobby.ticket(browser)).split('.')
    const header = Buffer.from(JSON.stringify({ alg: 'HS256', typ: 'cxod-ticket+jwt' })).toString('base64url')
    for (const key of [
      await exportSPKI(lobby.keys.publicKey),
      Buffer.from(lobby.keys.publicJwk.x ?? '', 'base64url'),
    ]) {
      const mac = createHmac('sha256', key).update(`${header}.${payload}`).digest('base64url')
      await expectRefused(await enter(`${header}.${payload}.${mac}`))
    }
  })

  it('is refused when it is a page cookie, and the other way round', async () => {
    const claim = { ownerId: ada.id, ownerName: 'ada', loginId: 'login-ada', pageId: 'pbmc' }
    const signing = { keys: lobby.keys, clock: lobby.clock, viewOrigin }
    await expectRefused(await enter(await issuePageCookie(claim, signing)))
    const ticket = await issueTicket(claim, 'x', signing)
    browser.cookies.set('cxod-page', { value: ticket, path: '/v/pbmc/', attributes: '' })
    expect((await browser.get('/v/pbmc/')).status).toBe(302)
  })

  it('never shows in the log', async () => {
    const ticket = await lobby.ticket(browser)
    await enter(ticket)
    await enter(ticket)
    expect(lobby.logged.some((line) => line.includes('ticket refused'))).toBe(true)
    expect(lobby.logged.join()).not.toContain(ticket.slice(0, 20))
  })
})

describe('a page cookie', () => {
  it('opens no other dataset and no other owner', async () => {
    const own = await lobby.signedIn()
    const value = own.cookies.get('cxod-page')?.value ?? ''
    own.cookies.set('cxod-page', { value, path: '/v/', attributes: '' })
    expect((await own.get('/v/liver/')).status).toBe(302)
    lobby.logins.set('login-ada', bob)
    expect((await own.get('/v/pbmc/-/status')).status).toBe(401)
  })

  it('ends with its login', async () => {
    const own = await lobby.signedIn()
    lobby.logins.delete('login-ada')
    const status = await own.get('/v/pbmc/-/status')
    expect(status.status).toBe(401)
    expect(await status.json()).toMatchObject({ code: 'not-signed-in' })
  })

  it('is renewed while it is used', async () => {
    const own = await lobby.signedIn()
    const first = own.cookies.get('cxod-page')?.value
    lobby.clock.ms += 60_000
    await own.get('/v/pbmc/-/status')
    expect(own.cookies.get('cxod-page')?.value).toBe(first)
    lobby.clock.ms += 7 * 3_600_000
    await own.get('/v/pbmc/-/status')
    expect(own.cookies.get('cxod-page')?.value).not.toBe(first)
    lobby.clock.ms += 7 * 3_600_000
    expect((await own.get('/v/pbmc/-/status')).status).toBe(200)
  })

  it('that the browser does not keep leads to a page, not into a loop', async () => {
    await enter(await lobby.ticket(browser))
    browser.cookies.delete('cxod-page')
    const response = await browser.get('/v/pbmc/')
    expect(response.status).toBe(403)
    expect(await response.text()).toContain('did not keep the sign-in')
  })
})

describe('signing in again from an open page', () => {
  it('comes back to a page that says so, and keeps the open one', async () => {
    const asked = await browser.get('/v/pbmc/-/sign-in')
    expect(asked.headers.get('location')).toContain(`${appOrigin}/open/pbmc?nonce=`)
    const entered = await enter(await lobby.ticket(browser))
    expect(entered.headers.get('location')).toBe('/v/pbmc/-/signed-in')
    expect(await (await browser.get('/v/pbmc/-/signed-in')).text()).toContain('As ada.')
    // The next page is opened as usual.
    expect(browser.cookies.has('cxod-return')).toBe(false)
  })
})

/** A ticket signed by our own key, with something wrong. Null leaves a claim out. */
async function forge(change: {
  aud?: null
  jti?: null
  nonce?: null
  exp?: null
  typ?: string | undefined
  seconds?: number
}): Promise<string> {
  const now = Math.floor(lobby.clock.ms / 1000)
  const nonce = hashNonce(browser.cookies.get('cxod-nonce')?.value ?? '')
  const claims = { sub: ada.id, name: 'ada', login: 'login-ada', page: 'pbmc', iat: now }
  const more = {
    ...(change.aud === null ? {} : { aud: viewOrigin }),
    ...(change.jti === null ? {} : { jti: 'one' }),
    ...(change.nonce === null ? {} : { nonce }),
    ...(change.exp === null ? {} : { exp: now + (change.seconds ?? 60) }),
  }
  const typ = 'typ' in change ? change.typ : 'cxod-ticket+jwt'
  return new SignJWT({ ...claims, ...more })
    .setProtectedHeader({ alg: 'EdDSA', ...(typ === undefined ? {} : { typ }) })
    .sign(lobby.keys.privateKey)
}

it('a ticket as forged above, with nothing wrong, is taken: the refusals are for what was changed', async () => {
  expect((await enter(await forge({}))).status).toBe(303)
})
