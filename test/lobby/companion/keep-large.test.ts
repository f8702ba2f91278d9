/** What a page could not save and is too large for the way to the launcher: it is put aside first. */
import { createHash } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { opened, problem } from './autosave.ts'
import { type Asked, json, noReport, pass, stopTime } from './scripted.ts'

beforeEach(() => {
  stopTime()
})
afterEach(() => {
  vi.useRealTimers()
})

describe('a change that is too large for the way to the launcher', () => {
  /** A page of a file that was replaced, whose change is larger than the 3 bytes that get through. */
  async function large(storage: (asked: Asked) => Response | Promise<Response>) {
    const all = opened({ directBytes: 3 })
    const { world, start } = all
    await pass(100)
    const calls: string[] = []
    const put: Asked[] = []
    world.onStatus = () => problem(409, 'dataset-changed')
    world.onRoute = (asked) => {
      if (!asked.path.startsWith('https://bucket.test/')) return problem(409, 'dataset-changed')
      calls.push('put')
      put.push(asked)
      return storage(asked)
    }
    let offers = 0
    world.onMerge = ({ path, headers }) => {
      calls.push(path.endsWith('/upload') ? 'ask' : `merge ${headers.get('x-upload-ref')}`)
      if (!path.endsWith('/upload')) return json({ version: '4', report: noReport })
      const signed = { 'content-length': '4', 'content-type': 'application/octet-stream', 'x-amz-checksum-sha256': 'c' }
      return json({ status: 'url', url: 'https://bucket.test/uploads/1', headers: signed, ref: `ref-${++offers}` })
    }
    start()
    // Hashing takes real time, and all other time is the test's.
    const until = async (holds: () => boolean) => {
      for (let left = 400; left > 0 && !holds(); left--) await pass(100)
      expect(holds()).toBe(true)
    }
    return { ...all, calls, put, until }
  }

  it('is put where the launcher says, and named', async () => {
    const { world, page, put, calls, until } = await large(() => new Response())
    await until(() => page.saved === 'mine')
    expect(calls).toEqual(['ask', 'put', 'merge ref-1'])
    const [ask, merge] = world.merged
    const sha256 = createHash('sha256').update('mine').digest('hex')
    expect(JSON.parse(ask?.body ?? '')).toEqual({ sizeBytes: 4, sha256 })
    expect(ask?.headers.get('x-cxod-owner')).toBe('local:ada')
    expect([put[0]?.method, put[0]?.body]).toEqual(['PUT', 'mine'])
    expect(put[0]?.headers.get('x-amz-checksum-sha256')).toBe('c')
    // Nothing of ours goes there.
    expect([...(put[0]?.headers.keys() ?? [])].filter((name) => name.startsWith('x-cxod'))).toEqual([])
    expect([merge?.body, merge?.headers.get('x-cxod-base')]).toEqual(['', '3'])
  })

  it('is not put there again when only the answer was lost', async () => {
    const { world, page, calls, until } = await large(() => new Response())
    const answer = world.onMerge
    let lost = 2
    world.onMerge = (asked) => {
      const good = answer(asked)
      if (asked.path.endsWith('/upload') || lost-- <= 0) return good
      throw new TypeError('Failed to fetch')
    }
    await until(() => page.saved === 'mine')
    expect(calls).toEqual(['ask', 'put', 'merge ref-1', 'merge ref-1', 'merge ref-1'])
  })

  it.each([
    [
      'a network lets it through to the launcher alone',
      () => Promise.reject(new TypeError('Failed to fetch')),
      /could not reach/,
    ],
    ['the storage refuses it', () => new Response('', { status: 403 }), /answered with 403/],
  ] as const)('says so when %s, keeps it, and tries again when told', async (_, storage, words) => {
    let works = false
    const { page, saves, calls, until } = await large(() => (works ? new Response() : storage()))
    await until(() => saves.list()[0]?.save.state === 'not-kept')
    expect(calls.filter((call) => call === 'put')).toHaveLength(3)
    expect(saves.list()).toMatchObject([
      { save: { problem: { code: 'storage-unreached', detail: expect.stringMatching(/at bucket\.test/) } } },
    ])
    expect(saves.list()).toMatchObject([{ save: { problem: { detail: expect.stringMatching(words) } } }])
    works = true
    saves.goOn('labels')
    await until(() => page.saved === 'mine')
  })
})
