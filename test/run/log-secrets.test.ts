/** The look for secrets in logs finds what is there, whatever its kind and form, and says which and where but not what. */
import { appendFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { withoutSecrets } from '../../functions/core/redact.ts'
import { recordHeader, recordQuery } from '../support/record-traffic.ts'
import { keepLog, keepOutput, recordSecret, suiteFolders, suiteVariable } from '../support/suite-record.ts'
import { tempDir } from '../support/temp-dir.ts'
import { newSuiteFolder, scanLogs } from './log-secrets.ts'

let suite: string
beforeEach(() => {
  suite = newSuiteFolder()
  vi.stubEnv(suiteVariable, suite)
})
afterEach(() => {
  vi.unstubAllEnvs()
  rmSync(suite, { recursive: true, force: true })
})

const line = (fields: object) => `${JSON.stringify({ level: 'info', event: 'saved', ...fields })}\n`
const found = () => scanLogs(suite).findings.map(({ kind }) => kind)

describe('a secret that was used', () => {
  it.each([
    ['password', 'tr0ub4dor & three', 'tr0ub4dor & three'],
    ['password', 'tr0ub4dor & three', encodeURIComponent('tr0ub4dor & three')],
    ['password', 'a "quoted" word', 'a \\"quoted\\" word'],
    ['label', 'CD4-naive-7', 'CD4-naive-7'],
    ['label', 'odd cells of mine', 'odd cells of mine'],
    ['gene', 'HLA-DRB1', 'var:name_0=HLA-DRB1'.slice(11)],
    ['link secret', 'k7-short-secret', '/l/abc/k7-short-secret'],
    ['query string', 'seen=abc123&wait=25', '/v/pbmc/-/status?seen=abc123&wait=25'],
  ] as const)('is found: a %s', (kind, secret, text) => {
    recordSecret(kind, secret)
    keepOutput('x')(`{"level":"info","said":"${text}"}\n`)
    expect(found()).toContain(`a ${kind} that was used`)
    expect(JSON.stringify(scanLogs(suite))).not.toContain(secret)
  })

  it('is found wherever it passed: in a header, in a cookie set or sent, in an address', () => {
    recordHeader('authorization', 'Bearer some-token-of-ours')
    recordHeader('cookie', 'other=1; cxod-login=first-cookie-value; x=2')
    recordHeader('set-cookie', ['cxod-page=second-cookie-value; Path=/'])
    recordHeader('location', 'http://127.0.0.1:1/v/a/-/enter?ticket=third-ticket')
    recordQuery('/s/abc/api/v0.2/data/var?var:name_0=MS4A1')
    const keep = keepOutput('x')
    for (const text of ['some-token-of-ours', 'first-cookie-value', 'second-cookie-value', 'third-ticket', 'MS4A1'])
      keep(line({ text }))
    expect(found()).toEqual([
      'a token that was used',
      'a cookie that was used',
      'a cookie that was used',
      'a token that was used',
      'a gene that was used',
    ])
  })

  it('is not mistaken for a part of a longer word, nor a plain word for a label', () => {
    recordSecret('gene', 'CD79A')
    recordSecret('label', 'saved')
    keepOutput('x')(line({ text: 'CD79AB', saved: true }))
    expect(found()).toEqual([])
  })
})

describe('a secret that nobody recorded', () => {
  it.each([
    ['a signed token', 'eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJsb2NhbDphZGEifQ.c2ln'],
    ['an opaque secret or its hash', 'x9sQ2vJ7mB4kLw0aZr8TnYc1dEfGh3iUoPq5RtSuVbM'],
    ['a cookie', 'cxod-page=abc'],
    ['a bearer token', 'authorization: Bearer abcdefgh12'],
    ['a password or its hash', '$argon2id$v=19$m=19456'],
    ['a password or its hash', 'password=hunter2, password=(left out)'],
    ['a private key', '-----BEGIN PRIVATE KEY-----'],
    ['a query string', '/api/v0.2/data/var?var:name_0=CD4'],
  ])('is found by its shape: %s', (kind, text) => {
    keepOutput('x')(line({ ok: 1 }))
    expect(found()).toEqual([])
    keepOutput('y')(`at ${text}\n`)
    expect(found()).toEqual([`${kind}, by its shape`])
  })
})

it('knows what a log writes in a password’s place', () => {
  keepOutput('x')(line({ error: withoutSecrets('Error: password=hunter2') }))
  expect(found()).toEqual([])
})

it('keeps a log whose folder is removed, and what was written to it until then', () => {
  const dir = join(tempDir(), 'state')
  const path = join(dir, 'launcher.log')
  keepLog(path)
  appendFileSync(path, line({ said: 'cxod-login=abcdefgh' }))
  mkdirSync(dir, { recursive: true })
  rmSync(dir, { recursive: true })
  expect(scanLogs(suite)).toMatchObject({ logs: 1, findings: [{ line: 1, kind: 'a cookie, by its shape' }] })
})

it('lets the launcher print its one-time link, on its own line and nowhere else', () => {
  const link = 'http://localhost:8080/sign-in/link#x9sQ2vJ7mB4kLw0aZr8TnYc1dEfGh3iUoPq5RtSuVbM'
  recordSecret('link secret', link.split('#')[1])
  keepOutput('launcher')(`Open ${link}\n`)
  expect(found()).toEqual([])
  keepOutput('launcher')(`made ${link}\n`)
  expect(found()).toContain('a link secret that was used')
})

it('records nothing, and writes nothing, where no run asked for it', () => {
  vi.stubEnv(suiteVariable, '')
  recordSecret('password', 'some long password')
  keepOutput('x')('some long password')
  vi.unstubAllEnvs()
  expect(scanLogs(suite)).toMatchObject({ logs: 0, secrets: 0 })
})

it('reads what several processes recorded', () => {
  for (const pid of [1, 2])
    writeFileSync(
      join(suiteFolders(suite).secrets, `${pid}.jsonl`),
      `${JSON.stringify({ kind: 'token', value: `of-process-${pid}` })}\n`,
    )
  keepOutput('x')('of-process-1 of-process-2\n')
  expect(scanLogs(suite)).toMatchObject({ secrets: 2, findings: [{ kind: 'a token that was used' }] })
  expect(readFileSync(join(suiteFolders(suite).secrets, '1.jsonl'), 'utf8')).toContain('of-process-1')
})
