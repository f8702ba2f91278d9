/** What an unexpected error may bring into a log. */
import { describe, expect, it } from 'vitest'
import { withoutSecrets } from '../../functions/core/redact.ts'

describe('withoutSecrets', () => {
  it.each([
    ['bad token eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJsb2NhbDphZGEifQ.c2ln here', 'bad token (token) here'],
    ['authorization: Bearer abcdefgh12==', 'authorization: Bearer (token)'],
    ['cookie: a=1; cxod-page=abc.def; b=2', 'cookie: a=1; cxod-page=(cookie); b=2'],
    ['Error: password=hunter2 at /x.ts:1:2', 'Error: password=(left out) at /x.ts:1:2'],
    ['hash $argon2id$v=19$m=1 of ada', 'hash (password hash) of ada'],
    ['GET /s/a/api/v0.2/data/var?var:name_0=CD4 failed', 'GET /s/a/api/v0.2/data/var?(query) failed'],
    ['nothing of the kind in /somewhere/x.ts:12', 'nothing of the kind in /somewhere/x.ts:12'],
  ])('%s', (text, expected) => {
    expect(withoutSecrets(text)).toBe(expected)
  })
})
