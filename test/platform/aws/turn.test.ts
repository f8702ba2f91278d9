/** One look at a time; and which content an object has. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { contentVersion } from '../../../functions/platform/aws/content-version.ts'
import { createTurn } from '../../../functions/platform/aws/turn.ts'
import { type LocalStore, openStore } from '../../../functions/platform/local/store.ts'
import { tempDir } from '../../support/temp-dir.ts'

let store: LocalStore
beforeAll(async () => {
  store = await openStore(tempDir())
})
afterAll(() => store?.close())

describe('turns', () => {
  test('are one look’s at a time; who comes meanwhile leaves word, and that is heard', async () => {
    let now = 1_000
    const turn = createTurn(store.table, { now: () => now })
    const came = await Promise.all(Array.from({ length: 20 }, (_, n) => turn.take(`event-${n}`, 60_000)))
    expect(came.filter(Boolean)).toHaveLength(1)
    const holder = `event-${came.indexOf(true)}`
    expect(await turn.end(holder)).toBe('again')
    expect(await turn.end(holder)).toBe('over')
    expect(await turn.take('late', 60_000)).toBe(true)
    // Its own repeat after it died, and nobody else's before its time is over.
    expect(await turn.take('late', 60_000)).toBe(true)
    expect(await turn.take('other', 60_000)).toBe(false)
    now = 60_001
    expect(await turn.take('other', 120_000)).toBe(true)
    expect(await turn.end('late')).toBe('over')
    expect(await turn.take('third', 120_000)).toBe(false)
  })
})

describe('the version of an object', () => {
  const object = { ETag: '"abc-3"', ContentLength: 10 }
  test('is its whole checksum where it has one, so that other parts make no other version', () => {
    const crc = { ChecksumType: 'FULL_OBJECT', ChecksumCRC64NVME: 'AAA=' }
    expect(contentVersion({ ...object, ...crc })).toBe(contentVersion({ ...object, ...crc, ETag: '"def-9"' }))
    expect(contentVersion({ ...object, ...crc })).not.toBe(contentVersion({ ...object, ...crc, ContentLength: 11 }))
    const sha = { ChecksumType: 'FULL_OBJECT', ChecksumSHA256: 'AAA=' }
    expect(contentVersion({ ...object, ...sha })).not.toBe(contentVersion({ ...object, ...crc }))
  })
  test('is its ETag where the checksum is that of its parts, or missing', () => {
    const parts = { ChecksumType: 'COMPOSITE', ChecksumSHA256: 'AAA=-3' }
    expect(contentVersion({ ...object, ...parts })).toBe(contentVersion(object))
    expect(contentVersion({ ...object, ETag: '"def-9"' })).not.toBe(contentVersion(object))
  })
})
