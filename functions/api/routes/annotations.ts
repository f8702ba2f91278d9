/** What people keep: versions of labels and gene sets, to look at, download and restore. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { LauncherError } from '../../core/errors.ts'
import { uploadAnswer, uploadRequest } from '../contract/gate.ts'
import { kept, listOf, merged, restoreRequest, vaultKind, version } from '../contract/public.ts'
import { csv } from '../csv.ts'
import { type ApiDeps, type Env, uploadBytes } from '../deps.ts'
import { downloadName } from '../download-name.ts'
import { tooLarge } from '../guards.ts'
import { json, jsonBody, problems } from '../openapi.ts'
import { wireVersion } from '../wire.ts'
import { datasetParam } from './datasets.ts'

const base = '/api/datasets/{datasetId}/annotations/{kind}'
const ref = {
  datasetId: datasetParam,
  kind: vaultKind.openapi({ param: { name: 'kind', in: 'path' }, description: 'Categories and labels, or gene sets' }),
}
const versionParam = z
  .string()
  .regex(/^\d{1,12}$/)
  .openapi({ param: { name: 'version', in: 'path' }, description: 'A number of the list of versions', example: '3' })

const list = createRoute({
  method: 'get',
  path: '/api/annotations',
  tags: ['annotations'],
  operationId: 'listAnnotations',
  summary: 'Everything you keep, by dataset',
  responses: { 200: json(listOf(kept), 'Newest versions'), ...problems(401) },
})

const history = createRoute({
  method: 'get',
  path: `${base}/versions`,
  tags: ['annotations'],
  operationId: 'listVersions',
  summary: 'Versions, newest first',
  request: { params: z.object(ref) },
  responses: { 200: json(listOf(version), 'Empty when nothing is kept'), ...problems(400, 401, 403, 404) },
})

const download = createRoute({
  method: 'get',
  path: `${base}/versions/{version}`,
  tags: ['annotations'],
  operationId: 'downloadVersion',
  summary: 'One version as CSV',
  request: { params: z.object({ ...ref, version: versionParam }) },
  responses: {
    200: { description: 'UTF-8; labels by cell name', content: { 'text/csv': { schema: z.string() } } },
    307: { description: 'On AWS, for more than 4 MiB: where the file is, for five minutes' },
    ...problems(400, 401, 404),
  },
})

const restore = createRoute({
  method: 'post',
  path: `${base}/restore`,
  tags: ['annotations'],
  operationId: 'restoreVersion',
  summary: 'Make an old version the newest one again',
  description: 'Nothing is deleted: the old content becomes a new version. A running viewer takes it over by itself.',
  request: { params: z.object(ref), body: jsonBody(restoreRequest) },
  responses: { 201: json(version, 'The new version'), ...problems(400, 401, 403, 404, 409, 412) },
})

const upload = createRoute({
  method: 'put',
  path: '/api/datasets/{datasetId}/annotations/labels',
  tags: ['annotations'],
  operationId: 'uploadLabels',
  summary: 'Upload labels as CSV, by cell name',
  description:
    'The first column names the cells, each other one is a category. `if-match: "<version>"` names the newest version you know of, `if-none-match: *` says that there is none. A column with the name of one of the dataset’s own is renamed.',
  request: {
    params: z.object({ datasetId: datasetParam }),
    query: z.object({
      mode: z.enum(['replace', 'add']).default('replace').openapi({
        description: '`replace`: the file is all that there is from now on. `add`: beside what is there.',
      }),
    }),
    headers: z.object({
      'if-match': z.string().optional().openapi({ description: 'The newest version you know of, in quotes' }),
      'if-none-match': z.literal('*').optional().openapi({ description: 'Nothing is kept yet' }),
      'x-upload-ref': z.string().optional().openapi({ description: 'Of a large file that was put elsewhere before' }),
    }),
    body: { required: true, content: { 'text/csv': { schema: z.string() } } },
  },
  responses: {
    200: json(merged, 'The new version, and what matched'),
    ...problems(400, 401, 403, 404, 409, 412, 503),
  },
})

const offer = createRoute({
  method: 'post',
  path: '/api/datasets/{datasetId}/annotations/labels/upload',
  tags: ['annotations'],
  operationId: 'offerUpload',
  summary: 'Upload a large file of labels',
  description:
    'For a file of more than 4 MiB on AWS. `url`: PUT the file there with these headers, then upload labels with an empty body and `x-upload-ref`. `direct`: upload labels as they are.',
  request: { params: z.object({ datasetId: datasetParam }), body: jsonBody(uploadRequest) },
  responses: { 200: json(uploadAnswer, 'Where it goes'), ...problems(400, 401, 403, 404, 413) },
})

export function annotationRoutes(app: OpenAPIHono<Env>, { launcher }: ApiDeps): void {
  app.openapi(offer, async (c) => {
    const wish = c.req.valid('json')
    if (wish.sizeBytes > uploadBytes) throw tooLarge(uploadBytes)
    await launcher.getDataset(c.var.who, c.req.valid('param').datasetId)
    return c.json(await launcher.offerUpload(c.var.who, wish), 200)
  })
  app.openapi(upload, async (c) => {
    const { 'if-match': match, 'if-none-match': none } = c.req.valid('header')
    const base = /^"(\d{1,12})"$/.exec(match ?? '')?.[1] ?? null
    if (base === null && none === undefined)
      throw new LauncherError(
        'bad-request',
        'Say which version this replaces: if-match: "<version>", or if-none-match: * when nothing is kept yet.',
      )
    const ref = c.req.valid('header')['x-upload-ref']
    const body = ref === undefined ? new Uint8Array(await c.req.arrayBuffer()) : { ref, mostBytes: uploadBytes }
    const { mode } = c.req.valid('query')
    return c.json(await launcher.uploadLabels(c.var.who, c.req.valid('param').datasetId, { body, base, mode }), 200)
  })
  app.openapi(list, async (c) => {
    const all = await launcher.listAnnotations(c.var.who)
    const items = all.map(({ dataset: { id, title, state }, labels, geneSets }) => ({
      dataset: { id, title, state },
      labels: labels && wireVersion(labels),
      geneSets: geneSets && wireVersion(geneSets),
    }))
    return c.json({ items }, 200)
  })
  app.openapi(history, async (c) => {
    const { datasetId, kind } = c.req.valid('param')
    return c.json({ items: (await launcher.history(c.var.who, datasetId, kind)).map(wireVersion) }, 200)
  })
  app.openapi(download, async (c) => {
    const param = c.req.valid('param')
    const body = await launcher.readVersion(c.var.who, param.datasetId, param.kind, param.version)
    return csv(c, launcher, body, downloadName(param.datasetId, param.kind, param.version))
  })
  app.openapi(restore, async (c) => {
    const { datasetId, kind } = c.req.valid('param')
    const { version: old, base: known } = c.req.valid('json')
    return c.json(wireVersion(await launcher.restore(c.var.who, datasetId, kind, old, known)), 201)
  })
}
