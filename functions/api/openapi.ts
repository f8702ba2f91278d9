/** Short words for the parts that every route's description repeats, and the document they add up to. */

import type { OpenAPIHono, z } from '@hono/zod-openapi'
import { loginCookieName } from '../auth/logins.ts'
import { problem } from './contract/public.ts'
import type { Env } from './deps.ts'

export const json = <T extends z.ZodType>(schema: T, description: string) => ({
  description,
  content: { 'application/json': { schema } },
})

export const jsonBody = <T extends z.ZodType>(schema: T) => ({
  required: true,
  content: { 'application/json': { schema } },
})

const problemWords = {
  400: 'Malformed; `detail` says where',
  401: 'Nobody is signed in',
  403: 'Not allowed',
  404: 'No such thing, or not one you may know of',
  409: 'Not possible as things are; `code` and `detail` say why',
  412: 'A newer version is there; `latest` says which',
  413: 'Larger than what is taken; `limitBytes` says how much that is',
  429: 'Too many attempts; see `retry-after`',
  503: 'No room, or not available just now; see `retry-after`',
} as const

type ProblemStatus = keyof typeof problemWords
const problemContent = { 'application/problem+json': { schema: problem } }

/** Descriptions of the problem documents that a route may answer with. */
export function problems<S extends ProblemStatus>(...statuses: S[]) {
  const entries = statuses.map((status) => [status, { description: problemWords[status], content: problemContent }])
  return Object.fromEntries(entries) as { [K in S]: { description: string; content: typeof problemContent } }
}

export function describeApi(app: OpenAPIHono<Env>, appOrigin: string): void {
  app.openAPIRegistry.registerComponent('securitySchemes', 'bearer', {
    type: 'http',
    scheme: 'bearer',
    bearerFormat: 'JWT',
    description: 'Of a configured identity provider, or made by `POST /api/token`.',
  })
  app.openAPIRegistry.registerComponent('securitySchemes', 'login', {
    type: 'apiKey',
    in: 'cookie',
    name: loginCookieName(appOrigin.startsWith('https:')),
    description: 'The browser’s login. Changes need an `Origin` header that names the launcher.',
  })
  let document: string | undefined
  app.get('/openapi.json', (c) => {
    document ??= JSON.stringify(
      app.getOpenAPI31Document({
        openapi: '3.1.0',
        info: {
          title: 'cellxgene-on-demand',
          version: '1',
          description: 'Viewers of one’s own on demand, and the annotations made in them.',
          license: { name: 'MIT', url: 'https://spdx.org/licenses/MIT' },
        },
        servers: [{ url: appOrigin }],
        security: [{ bearer: [] }, { login: [] }],
      }),
    )
    c.header('cache-control', 'public, max-age=60')
    return c.body(document, 200, { 'content-type': 'application/json' })
  })
}
