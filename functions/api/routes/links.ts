/** Launch links: made, listed, revoked; who came by them, and what those people keep. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { guestKeyOf, guestNames as namesOf } from '../../auth/guest-names.ts'
import type { LaunchLink } from '../../core/link.ts'
import { link, linkDetails, linkRequest, listOf, vaultKind } from '../contract/public.ts'
import { csv } from '../csv.ts'
import type { ApiDeps, Env } from '../deps.ts'
import { downloadName } from '../download-name.ts'
import { json, jsonBody, problems } from '../openapi.ts'
import { wireLink, wireVersion } from '../wire.ts'
import { datasetParam } from './datasets.ts'

const linkParam = z
  .string()
  .regex(/^[a-z2-7]{12}$/)
  .openapi({ param: { name: 'linkId', in: 'path' }, description: '`id` of a link', example: 'abcdefgh2345' })

const make = createRoute({
  method: 'post',
  path: '/api/datasets/{datasetId}/links',
  tags: ['links'],
  operationId: 'makeLink',
  summary: 'Make a launch link',
  description: 'For people without an account. Each guest gives a name and has a viewer and labels of their own.',
  request: { params: z.object({ datasetId: datasetParam }), body: jsonBody(linkRequest) },
  responses: { 201: json(link, 'The link, with its address'), ...problems(400, 401, 403, 404, 409) },
})

const list = createRoute({
  method: 'get',
  path: '/api/datasets/{datasetId}/links',
  tags: ['links'],
  operationId: 'listLinks',
  summary: 'Launch links of a dataset, newest first',
  request: { params: z.object({ datasetId: datasetParam }) },
  responses: { 200: json(listOf(link), 'Addresses only of your own'), ...problems(401, 403, 404) },
})

const get = createRoute({
  method: 'get',
  path: '/api/links/{linkId}',
  tags: ['links'],
  operationId: 'getLink',
  summary: 'One link of yours: who came by it, every use, what the guests keep',
  request: { params: z.object({ linkId: linkParam }) },
  responses: { 200: json(linkDetails, 'The link'), ...problems(401, 404) },
})

const revoke = createRoute({
  method: 'delete',
  path: '/api/links/{linkId}',
  tags: ['links'],
  operationId: 'revokeLink',
  summary: 'Revoke a link',
  description: 'Nobody comes in by it any more, and who is in goes. Their labels stay. May be repeated.',
  request: { params: z.object({ linkId: linkParam }) },
  responses: { 200: json(link, 'The link, revoked'), ...problems(401, 404) },
})

const download = createRoute({
  method: 'get',
  path: '/api/links/{linkId}/guests/{guestKey}/annotations/{kind}',
  tags: ['links'],
  operationId: 'downloadOfGuest',
  summary: 'What a guest keeps, as CSV',
  request: {
    params: z.object({
      linkId: linkParam,
      guestKey: z
        .string()
        .regex(/^[a-z0-9-]{1,64}$/)
        .openapi({
          param: { name: 'guestKey', in: 'path' },
          description: '`key` of a guest of the link',
          example: 'ann-1f2e3d4c5b6a',
        }),
      kind: vaultKind.openapi({
        param: { name: 'kind', in: 'path' },
        description: 'Categories and labels, or gene sets',
      }),
    }),
    query: z.object({
      version: z
        .string()
        .regex(/^\d{1,12}$/)
        .optional()
        .openapi({ description: 'The newest if not given' }),
    }),
  },
  responses: {
    200: { description: 'UTF-8; labels by cell name', content: { 'text/csv': { schema: z.string() } } },
    ...problems(400, 401, 404),
  },
})

export function linkRoutes(app: OpenAPIHono<Env>, { launcher, auth, clock }: ApiDeps): void {
  const wire = (of: LaunchLink, who: Env['Variables']['who']) => {
    const mine = of.createdBy === who.id || who.admin
    return wireLink(of, clock.now(), mine && of.guestNames === null ? auth.links.url(of.id) : null)
  }

  app.openapi(make, async (c) => {
    const { mode, expiresInHours, note = '', guestNames, maxGuests } = c.req.valid('json')
    const made = await launcher.makeLink(c.var.who, c.req.valid('param').datasetId, {
      mode,
      expiresInMs: expiresInHours * 3_600_000,
      note,
      guestNames: guestNames ? namesOf(guestNames) : null,
      maxGuests: maxGuests ?? null,
    })
    c.header('location', `/api/links/${made.id}`)
    return c.json(wire(made, c.var.who), 201)
  })
  app.openapi(list, async (c) => {
    const links = await launcher.listLinks(c.var.who, c.req.valid('param').datasetId)
    return c.json({ items: links.map((one) => wire(one, c.var.who)) }, 200)
  })
  app.openapi(get, async (c) => {
    const { linkId } = c.req.valid('param')
    const [{ link: of, uses }, kept] = await Promise.all([
      launcher.getLink(c.var.who, linkId),
      launcher.guestAnnotations(c.var.who, linkId),
    ])
    const came = kept.map(({ guest, labels, geneSets }) => ({
      key: guest.key,
      name: guest.name,
      cameAt: new Date(guest.createdAt).toISOString(),
      url: auth.links.personalUrl(linkId, guest.key),
      labels: labels && wireVersion(labels),
      geneSets: geneSets && wireVersion(geneSets),
    }))
    const missing = (of.guestNames ?? [])
      .map((name) => ({ name, key: guestKeyOf(name) }))
      .filter(({ key }) => !came.some((guest) => guest.key === key))
      .map(({ name, key }) => ({
        ...{ key, name, cameAt: null, url: auth.links.personalUrl(linkId, key) },
        ...{ labels: null, geneSets: null },
      }))
    return c.json(
      {
        ...wire(of, c.var.who),
        guestList: [...came, ...missing],
        uses: uses.map(({ at, guestName: name, what, detail }) => ({
          at: new Date(at).toISOString(),
          guest: name,
          what,
          detail,
        })),
      },
      200,
    )
  })
  app.openapi(revoke, async (c) => {
    const revoked = await launcher.revokeLink(c.var.who, c.req.valid('param').linkId)
    return c.json(wire(revoked, c.var.who), 200)
  })
  app.openapi(download, async (c) => {
    const { linkId, guestKey, kind } = c.req.valid('param')
    const { version = null } = c.req.valid('query')
    const found = await launcher.readGuestVersion(c.var.who, { linkId, guestKey, kind, version })
    return csv(c, launcher, found.body, downloadName(guestKey, kind, found.version))
  })
}
