/** Launch links over the API and its pages, from making one to a guest's ticket; every API answer held to the OpenAPI document. */
import { afterAll, describe, expect, it } from 'vitest'
import { hashNonce, newNonce, verifyTicket } from '../../functions/auth/tickets.ts'
import { guestOwnerId } from '../../functions/core/link.ts'
import { callApi, openApiOf, openTestApp } from '../support/app.ts'
import { type Conform, conformTo } from '../support/conform.ts'
import { guestCookieOf as cookieOf, linkWorld, secretOf, linkWish as wish } from '../support/links.ts'
import { appOrigin, viewOrigin } from '../support/people.ts'
import { tempDir } from '../support/temp-dir.ts'

const bed = await openTestApp(tempDir())
afterAll(() => bed.store.close())
const conform: Conform = conformTo(await openApiOf(bed))
type Tail<F> = F extends (first: Conform, ...rest: infer R) => unknown ? R : never
const call = (...args: Tail<typeof callApi>) => callApi(conform, ...args)

const { stranger, makeLink } = linkWorld(bed, call)

describe('a launch link', () => {
  it('is made, listed and revoked by its maker', async () => {
    const { linda, link } = await makeLink()
    expect(link).toMatchObject({ mode: 'annotate', state: 'open', guests: 0, note: 'next door' })
    expect(link.url).toMatch(new RegExp(`^${appOrigin}/l/${link.id}#[\\w-]{43}$`))
    expect((await call(linda, 'GET', '/api/datasets/pbmc/links')).json.items).toContainEqual(link)
    expect((await call(linda, 'GET', `/api/links/${link.id}`)).json).toMatchObject({ guestList: [], uses: [] })

    const eve = await bed.browser({ name: 'link-eve' })
    const seen = (await call(eve, 'GET', '/api/datasets/pbmc/links')).json.items as { id: string; url: string | null }[]
    expect(seen.find(({ id }) => id === link.id)?.url).toBeNull()
    for (const [method, path] of [
      ['GET', `/api/links/${link.id}`],
      ['DELETE', `/api/links/${link.id}`],
    ] as const)
      expect((await call(eve, method, path)).status).toBe(404)
    expect((await call(eve, 'POST', '/api/datasets/nothing/links', wish)).status).toBe(404)
    expect((await call(eve, 'POST', '/api/datasets/pbmc/links', { ...wish, expiresInHours: 5000 })).status).toBe(400)

    expect((await call(linda, 'DELETE', `/api/links/${link.id}`)).json).toMatchObject({ state: 'revoked' })
    expect((await call(linda, 'DELETE', `/api/links/${link.id}`)).json).toMatchObject({ state: 'revoked' })
    const late = await stranger().post(`/l/${link.id}`, { secret: secretOf(link.url), name: 'Ann', enter: '1' })
    expect(late.status).toBe(403)
    expect(await late.text()).toContain('was taken back')
    expect((await call(linda, 'GET', `/api/links/${link.id}`)).json.uses).toMatchObject([
      { what: 'refused', detail: 'the link is revoked' },
    ])
  })

  it('tells a GET nothing, launches nothing, and records nothing', async () => {
    const { linda, link } = await makeLink()
    for (const method of ['GET', 'HEAD']) {
      const page = await bed.app.request(`${appOrigin}/l/${link.id}`, { method })
      expect(page.status).toBe(200)
      expect(page.headers.get('set-cookie')).toBeNull()
      expect(await page.text()).not.toContain('PBMC')
    }
    expect((await call(linda, 'GET', `/api/links/${link.id}`)).json).toMatchObject({ guestList: [], uses: [] })
    expect(bed.tasks.started).toEqual([])
  })

  it('shows who invites whom to what, takes a name, and hands the guest a ticket for their own page alone', async () => {
    const { linda, link } = await makeLink({ maxGuests: 2 })
    const ann = stranger()
    const secret = secretOf(link.url)
    const shown = await ann.post(`/l/${link.id}`, { secret })
    expect(await shown.text()).toMatch(/linda.*shares this dataset.*annotate/s)
    expect((await ann.post(`/l/${link.id}`, { secret, name: ' \u0007 ', enter: '1' })).status).toBe(400)

    const entered = await ann.post(`/l/${link.id}`, { secret, name: '  Ann  Lee ', enter: '1' })
    expect(entered.status).toBe(200)
    const set = entered.headers.get('set-cookie') ?? ''
    expect(set).toMatch(new RegExp(`Path=/open/pbmc~${link.id}; HttpOnly; SameSite=Lax`))
    const words = await entered.text()
    expect(words).toContain('Welcome, Ann Lee')
    const personal = new RegExp(`${appOrigin}/l/${link.id}#(ann-lee-[0-9a-f]{12}\\.[\\w-]{43})`).exec(words)?.[1] ?? ''
    const cookie = cookieOf(entered)

    const nonce = newNonce()
    const opened = await ann.get(`/open/pbmc~${link.id}?nonce=${hashNonce(nonce)}`, { cookie: `cxod-guest=${cookie}` })
    const to = new URL(opened.headers.get('location') ?? '')
    expect(to.origin + to.pathname).toBe(`${viewOrigin}/v/pbmc~${link.id}/-/enter`)
    const signing = { keys: bed.deps.auth.keys, clock: bed.clock, viewOrigin }
    const ticket = to.searchParams.get('ticket') ?? ''
    const claim = await verifyTicket(ticket, { pageId: `pbmc~${link.id}`, nonce }, signing)
    const owner = guestOwnerId(link.id, personal.split('.')[0] ?? '')
    expect(claim).toMatchObject({ ownerId: owner, ownerName: 'Ann Lee' })
    expect(await verifyTicket(ticket, { pageId: 'pbmc', nonce }, signing)).toBeNull()

    // The same name from another browser is somebody else, unless they have Ann's own address.
    const other = await stranger().post(`/l/${link.id}`, { secret, name: 'ANN lee', enter: '1' })
    expect([other.status, await other.text()]).toEqual([
      409,
      expect.stringContaining('came by this link as “ANN lee” already'),
    ])
    const back = await stranger().post(`/l/${link.id}`, { secret: personal, enter: '1' })
    expect([back.status, back.headers.get('location')]).toEqual([303, `${viewOrigin}/v/pbmc~${link.id}/`])
    expect(cookieOf(back)).not.toBe(cookie)

    expect((await stranger().post(`/l/${link.id}`, { secret, name: 'Bob', enter: '1' })).status).toBe(200)
    const third = await stranger().post(`/l/${link.id}`, { secret, name: 'Cyd', enter: '1' })
    expect([third.status, await third.text()]).toEqual([403, expect.stringContaining('2 people')])
    const { json } = await call(linda, 'GET', `/api/links/${link.id}`)
    expect(json).toMatchObject({ guests: 2, state: 'used up', guestList: [{ name: 'Ann Lee' }, { name: 'Bob' }] })
    const uses = json.uses as unknown as { what: string }[]
    expect(uses.map(({ what }) => what).sort()).toEqual(['entered', 'entered', 'refused', 'refused', 'returned'])
  })

  it('that names its guests lets in these, each by their own address, and nobody by the general one', async () => {
    const { linda, link } = await makeLink({ guestNames: ['Ann', 'Жук'], mode: 'view' })
    expect(link.url).toBeNull()
    const details = (await call(linda, 'GET', `/api/links/${link.id}`)).json.guestList as unknown as {
      name: string
      url: string
      cameAt: string | null
    }[]
    expect(details.map(({ name, cameAt }) => [name, cameAt])).toEqual([
      ['Ann', null],
      ['Жук', null],
    ])
    const general = secretOf(bed.deps.auth.links.url(link.id))
    expect((await stranger().post(`/l/${link.id}`, { secret: general, name: 'Ann', enter: '1' })).status).toBe(403)
    for (let times = 0; times < 2; times++)
      for (const { url } of details)
        expect((await stranger().post(`/l/${link.id}`, { secret: secretOf(url), enter: '1' })).status).toBe(303)
    expect((await call(linda, 'GET', `/api/links/${link.id}`)).json).toMatchObject({ guests: 2 })
  })

  it('is one answer for every wrong secret, and few of them from one address', async () => {
    const { link } = await makeLink()
    const other = await makeLink()
    const guess = stranger()
    const tries = [
      [link.id, 'x'],
      [link.id, secretOf(other.link.url)],
      [link.id, ''],
      [link.id, 'ann.x'],
      ['aaaaaaaaaaaa', secretOf(link.url)],
    ] as const
    for (const [id, secret] of tries) {
      const answer = await guess.post(`/l/${id}`, { secret, name: 'Ann', enter: '1' })
      expect([answer.status, await answer.text()]).toEqual([403, expect.stringContaining('not known here')])
    }
    let status = 0
    for (let times = 0; times < 40; times++) status = (await guess.post(`/l/${link.id}`, { secret: 'x' })).status
    expect(status).toBe(429)
    // Now not even the right one, from there; from elsewhere it works.
    expect((await guess.post(`/l/${link.id}`, { secret: secretOf(link.url) })).status).toBe(429)
    expect((await stranger().post(`/l/${link.id}`, { secret: secretOf(link.url) })).status).toBe(200)
  })

  it('keeps a bounded record of refusals, and lets in no more than some hundred times in a quarter of an hour', async () => {
    const { linda, link } = await makeLink()
    const secret = secretOf(link.url)
    for (let times = 0; times < 60; times++) await stranger().post(`/l/${link.id}`, { secret: 'wrong', enter: '1' })
    const uses = async () => (await call(linda, 'GET', `/api/links/${link.id}`)).json.uses as { what: string }[]
    expect((await uses()).map(({ what }) => what)).toEqual(Array(50).fill('refused'))
    const entries: number[] = []
    for (let times = 0; times < 301; times++)
      entries.push((await stranger().post(`/l/${link.id}`, { secret, name: `guest ${times}`, enter: '1' })).status)
    expect([entries.slice(0, 300).every((status) => status === 200), entries[300]]).toEqual([true, 429])
  })

  it('offers the way back to a browser that was here before, and to nobody else', async () => {
    const { link } = await makeLink()
    const secret = secretOf(link.url)
    const ann = stranger()
    const cookie = cookieOf(await ann.post(`/l/${link.id}`, { secret, name: 'Ann', enter: '1' }))
    expect(await (await ann.post(`/l/${link.id}`, { secret })).text()).toContain(`href="/open/pbmc~${link.id}"`)
    const back = await ann.get(`/open/pbmc~${link.id}`, { cookie: `cxod-guest=${cookie}` })
    expect([back.status, back.headers.get('location')]).toEqual([303, `${viewOrigin}/v/pbmc~${link.id}/`])
    expect((await stranger().get(`/open/pbmc~${link.id}`)).status).toBe(403)
  })

  it('names nobody twice', async () => {
    const linda = await bed.browser({ name: 'linda' })
    const twice = { ...wish, guestNames: ['Ann Lee', 'Bob', 'ann  LEE'] }
    const made = await call(linda, 'POST', '/api/datasets/pbmc/links', twice)
    expect([made.status, made.json.detail]).toEqual([400, expect.stringContaining('“ann LEE” stands there twice')])
  })

  it('is not entered from another site', async () => {
    const { link } = await makeLink()
    const fields = { secret: secretOf(link.url), name: 'Ann', enter: '1' }
    expect((await stranger().post(`/l/${link.id}`, fields, { origin: 'https://evil.example' })).status).toBe(403)
  })

  it('expires', async () => {
    const { link } = await makeLink({ expiresInHours: 1 })
    const secret = secretOf(link.url)
    const entered = await stranger().post(`/l/${link.id}`, { secret, name: 'Ann', enter: '1' })
    const open = () => stranger().get(`/open/pbmc~${link.id}`, { cookie: `cxod-guest=${cookieOf(entered)}` })
    expect((await open()).status).toBe(303)
    const { whyOver } = bed.deps.auth.links
    expect(await whyOver(link.id)).toBeNull()
    bed.clock.advance(3_600_000)
    expect(await whyOver(link.id)).toMatchObject({ code: 'link-over', data: { why: 'expired' } })
    expect(await whyOver('a'.repeat(12))).toMatchObject({ code: 'link-over', data: { why: 'unknown' } })
    expect((await open()).status).toBe(403)
    const late = await stranger().post(`/l/${link.id}`, { secret, name: 'Bob', enter: '1' })
    expect(await late.text()).toContain('has expired')
  })
})

describe('a guest', () => {
  it('is nobody on the launcher’s pages, its API and other links; and a user is nobody on a guest’s page', async () => {
    const { linda, link } = await makeLink()
    const entered = await stranger().post(`/l/${link.id}`, { secret: secretOf(link.url), name: 'Ann', enter: '1' })
    const cookie = cookieOf(entered)
    const as = (name: string) => ({ cookie: `${name}=${cookie}` })
    for (const name of ['cxod-guest', 'cxod-login']) {
      expect((await stranger().get('/', as(name))).headers.get('location')).toContain('/sign-in')
      expect((await stranger().get('/api/me', as(name))).status).toBe(401)
      expect((await stranger().get('/open/pbmc', as(name))).headers.get('location')).toContain('/sign-in')
    }
    expect((await stranger().get('/api/me', { authorization: `Bearer ${cookie}` })).status).toBe(401)
    const other = await makeLink()
    expect((await stranger().get(`/open/pbmc~${other.link.id}`, as('cxod-guest'))).status).toBe(403)
    expect((await linda.get(`/open/pbmc~${link.id}`)).status).toBe(403)
    expect((await stranger().get(`/open/other~${link.id}`, as('cxod-guest'))).status).toBe(403)
  })

  it('goes when the link is revoked: viewer and login end, labels stay and their maker reads them', async () => {
    const { linda, link } = await makeLink()
    const entered = await stranger().post(`/l/${link.id}`, { secret: secretOf(link.url), name: 'Ann', enter: '1' })
    const guest = await bed.deps.auth.links.find(cookieOf(entered), link.id)
    if (guest === null) throw new Error('the guest is not known')
    const session = await bed.ready(bed.deps.launcher, guest, 'pbmc')
    expect(session).toMatchObject({ linkId: link.id, ownerName: 'Ann', mode: 'annotate' })
    await bed.ports.vault.put(
      { ownerId: guest.id, datasetId: 'pbmc', kind: 'labels' },
      new TextEncoder().encode('index,a\nx,1\n'),
      {
        base: null,
        savedBy: 'Ann',
        origin: 'session:x',
        datasetVersion: 'v1',
        obsIndexHash: 'h1',
        requestSha256: 'a'.repeat(64),
      },
    )
    expect((await call(linda, 'DELETE', `/api/links/${link.id}`)).status).toBe(200)
    expect(await bed.deps.launcher.findSession(guest, 'pbmc')).toMatchObject({
      state: 'stopped',
      ending: { cause: 'link-over' },
    })
    expect(await bed.deps.auth.checkLogin(guest.loginId, guest.id)).toBeNull()
    const over = { code: 'link-over', message: expect.stringMatching(/taken back. Ask .+ for another one/) }
    expect(await bed.deps.auth.links.whyOver(link.id)).toMatchObject(over)
    const key = guest.id.split(':')[2]
    const path = `/api/links/${link.id}/guests/${key}/annotations/labels`
    const file = await linda.get(path)
    await conform.check('GET', path, file)
    expect(await file.text()).toBe('index,a\nx,1\n')
    expect((await call(linda, 'GET', `/api/links/${link.id}/guests/${key}/annotations/genesets`)).status).toBe(404)
    const eve = await bed.browser({ name: 'link-eve' })
    expect((await eve.get(path)).status).toBe(404)
    const { json } = await call(linda, 'GET', `/api/links/${link.id}`)
    expect((json.uses as unknown as { what: string }[]).map(({ what }) => what).sort()).toEqual(['entered', 'launched'])
  })
})

describe('a link that is revoked while its guest launches', () => {
  it('starts nothing that stays', async () => {
    const { linda, link } = await makeLink()
    const entered = await stranger().post(`/l/${link.id}`, { secret: secretOf(link.url), name: 'Ann', enter: '1' })
    const guest = await bed.deps.auth.links.find(cookieOf(entered), link.id)
    if (guest === null) throw new Error('the guest is not known')
    // Who asked was looked up before; what follows comes after.
    await call(linda, 'DELETE', `/api/links/${link.id}`)
    const before = bed.tasks.started.length
    await expect(bed.deps.launcher.launch(guest, 'pbmc', { by: 'click' })).rejects.toMatchObject({ code: 'link-over' })
    expect(await bed.deps.launcher.findSession(guest, 'pbmc')).toMatchObject({ ending: { cause: 'link-over' } })
    expect(bed.tasks.started.length).toBe(before)
  })
})

describe('the tests above', () => {
  it('have seen every operation of links succeed', () => expect(conform.unseen('links')).toEqual([]))
})
