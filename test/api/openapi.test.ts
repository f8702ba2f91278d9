/** What `/openapi.json` promises to who makes a client from it. */
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, describe, expect, it } from 'vitest'
import { openApiOf, openTestApp } from '../support/app.ts'
import { tempDir } from '../support/temp-dir.ts'

type Operation = {
  operationId?: string
  summary?: string
  tags?: string[]
  responses: Record<string, unknown>
  parameters?: { name: string; description?: string }[]
}

const bed = await openTestApp(tempDir(), { datasets: [] })
afterAll(() => bed.store.close())
const document = await openApiOf(bed)

describe('the OpenAPI document', () => {
  it('is valid OpenAPI 3.1', async () => {
    const result = await new Validator().validate(structuredClone(document))
    expect(result).toMatchObject({ valid: true })
    expect(document.openapi).toMatch(/^3\.1\./)
  })

  it('names every public route, and no gate’s', () => {
    const operations = Object.entries(document.paths).flatMap(([path, verbs]) =>
      Object.keys(verbs).map((verb) => `${verb} ${path}`),
    )
    expect(operations.sort()).toEqual([
      'delete /api/links/{linkId}',
      'get /api/annotations',
      'get /api/datasets',
      'get /api/datasets/{datasetId}',
      'get /api/datasets/{datasetId}/annotations/{kind}/versions',
      'get /api/datasets/{datasetId}/annotations/{kind}/versions/{version}',
      'get /api/datasets/{datasetId}/links',
      'get /api/links/{linkId}',
      'get /api/links/{linkId}/guests/{guestKey}/annotations/{kind}',
      'get /api/me',
      'get /api/receipts',
      'get /api/sessions',
      'get /api/sessions/{sessionId}',
      'post /api/datasets/{datasetId}/annotations/labels/upload',
      'post /api/datasets/{datasetId}/annotations/{kind}/restore',
      'post /api/datasets/{datasetId}/links',
      'post /api/sessions',
      'post /api/sessions/{sessionId}/keep',
      'post /api/sessions/{sessionId}/stop',
      'post /api/token',
      'put /api/datasets/{datasetId}/annotations/labels',
      'put /api/me/password',
    ])
  })

  it('has a name, words and errors for each operation, and words for each parameter', () => {
    const operations = Object.values(document.paths).flatMap((verbs) => Object.values(verbs) as Operation[])
    expect(new Set(operations.map(({ operationId }) => operationId)).size).toBe(operations.length)
    for (const { operationId, summary, tags, responses, parameters = [] } of operations) {
      expect([operationId, summary, tags?.length]).toEqual([expect.stringMatching(/^[a-z]/), expect.any(String), 1])
      expect(Object.keys(responses)).toContain('401')
      for (const { name, description } of parameters) expect([operationId, name, !description]).toContain(false)
    }
  })
})
