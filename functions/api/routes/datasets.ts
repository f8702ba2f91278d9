/** The catalogue, as the asker may see it. */
import { createRoute, type OpenAPIHono, z } from '@hono/zod-openapi'
import { dataset, listOf } from '../contract/public.ts'
import type { ApiDeps, Env } from '../deps.ts'
import { json, problems } from '../openapi.ts'
import { wireDataset } from '../wire.ts'

export const datasetParam = z
  .string()
  .min(1)
  .max(200)
  .openapi({ param: { name: 'datasetId', in: 'path' }, description: '`id` of a dataset', example: 'pbmc68k' })

const list = createRoute({
  method: 'get',
  path: '/api/datasets',
  tags: ['datasets'],
  operationId: 'listDatasets',
  summary: 'Datasets that you may open',
  description: 'Files that can’t be opened are listed with cause and remedy; removed ones where you keep annotations.',
  responses: { 200: json(listOf(dataset), 'By path'), ...problems(401) },
})

const get = createRoute({
  method: 'get',
  path: '/api/datasets/{datasetId}',
  tags: ['datasets'],
  operationId: 'getDataset',
  summary: 'One dataset',
  request: { params: z.object({ datasetId: datasetParam }) },
  responses: { 200: json(dataset, 'The dataset'), ...problems(401, 403, 404) },
})

export function datasetRoutes(app: OpenAPIHono<Env>, { launcher, viewOrigin }: ApiDeps): void {
  app.openapi(list, async (c) => {
    const all = await launcher.listDatasets(c.var.who)
    return c.json({ items: all.map((one) => wireDataset(one, viewOrigin)) }, 200)
  })
  app.openapi(get, async (c) => {
    const one = await launcher.getDataset(c.var.who, c.req.valid('param').datasetId)
    return c.json(wireDataset(one, viewOrigin), 200)
  })
}
