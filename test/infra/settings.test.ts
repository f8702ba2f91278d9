/** What is wrong with the settings of a deploy is said before anything is made. */
import path from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it, vi } from 'vitest'
import { projectRoot } from '../../functions/setup/python.ts'

type Domain = { host: string; certificate: string } | null
const globals = globalThis as unknown as Record<string, unknown>
const infra = (file: string) => path.join(projectRoot(), 'infra', file)
let domains: () => { app: Domain; view: Domain }
let number: (name: string, most: number) => number | undefined

beforeAll(async () => {
  globals.$app = { name: 'cellxgene-on-demand', stage: 'try', protect: false }
  ;({ domains } = (await import(infra('domains.ts'))) as { domains: typeof domains })
  ;({ number } = (await import(infra('stage.ts'))) as { number: typeof number })
})
afterAll(() => void delete globals.$app)
afterEach(() => vi.unstubAllEnvs())

const given = (env: Record<string, string>) => {
  for (const [name, value] of Object.entries(env)) vi.stubEnv(name, value)
}
const certificate = (region = 'us-east-1') => `arn:aws:acm:${region}:123456789012:certificate/1`

it('takes no name, or one, or two, each with its certificate', () => {
  expect(domains()).toEqual({ app: null, view: null })
  given({ CXOD_VIEW_DOMAIN: 'view.example.org', CXOD_VIEW_CERTIFICATE: certificate() })
  expect(domains()).toEqual({ app: null, view: { host: 'view.example.org', certificate: certificate() } })
})

it.each([
  ['a name without a certificate', { CXOD_APP_DOMAIN: 'a.example.org' }, /go together/],
  ['a certificate without a name', { CXOD_APP_CERTIFICATE: certificate() }, /go together/],
  [
    'an address in place of a name',
    { CXOD_APP_DOMAIN: 'https://a.org', CXOD_APP_CERTIFICATE: certificate() },
    /a host name/,
  ],
  [
    'a certificate of another region',
    { CXOD_APP_DOMAIN: 'a.org', CXOD_APP_CERTIFICATE: certificate('eu-west-1') },
    /us-east-1/,
  ],
  [
    'one name for both: a viewer’s page could act as its user',
    {
      ...{ CXOD_APP_DOMAIN: 'a.org', CXOD_APP_CERTIFICATE: certificate() },
      ...{ CXOD_VIEW_DOMAIN: 'a.org', CXOD_VIEW_CERTIFICATE: certificate() },
    },
    /must be two/,
  ],
] as const)('refuses %s', (_, env, words) => {
  given(env)
  expect(() => domains()).toThrow(words)
})

it('takes whole numbers within their bounds, and nothing where nothing is set', () => {
  expect(number('CXOD_IDLE_MINUTES', 60)).toBeUndefined()
  given({ CXOD_IDLE_MINUTES: '60' })
  expect(number('CXOD_IDLE_MINUTES', 60)).toBe(60)
  for (const bad of ['61', '0', '-1', '1.5', 'many', ' ']) {
    given({ CXOD_IDLE_MINUTES: bad })
    expect(() => number('CXOD_IDLE_MINUTES', 60), bad).toThrow(/a whole number from 1 to 60/)
  }
})
