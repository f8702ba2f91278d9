/** What every vault must do, whatever keeps its bytes: run by the local one here and by the S3 one later. */
import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import type { Vault, VaultRef, VaultVersion } from '../../functions/core/ports.ts'

const ref: VaultRef = { ownerId: 'local:Ann/Meier@lab.example', datasetId: 'pbmc-2', kind: 'labels' }
const bytes = (text: string) => new TextEncoder().encode(text)
const text = (body: Uint8Array) => new TextDecoder().decode(body)
const sha256 = (body: Uint8Array) => createHash('sha256').update(body).digest('hex')
const meta = (base: string | null) => ({
  base,
  savedBy: 'Ann',
  origin: 'session:abc',
  datasetVersion: 'd'.repeat(64),
  obsIndexHash: 'e'.repeat(64),
  requestSha256: 'f'.repeat(64),
})

/**
 * @param name which vault, for the report
 * @param make a new, empty vault, and `again`: a second one on the same storage, as another process has it
 */
export function vaultContract(name: string, make: () => Promise<{ vault: Vault; again: () => Vault; now: number }>) {
  describe(`vault contract: ${name}`, () => {
    test('an empty vault has nothing, and says so without an error', async () => {
      const { vault } = await make()
      expect(await vault.latest(ref)).toBeNull()
      expect(await vault.history(ref)).toEqual([])
      expect(await vault.listDatasets(ref.ownerId)).toEqual([])
      await expect(vault.read(ref, '1')).rejects.toMatchObject({ code: 'not-found' })
    })

    test('what was put is read back, by another process too, with everything that was said of it', async () => {
      const { vault, again, now } = await make()
      const body = bytes('name_0,type\nAAA-1,"T, naïve"\n')
      const put = await vault.put(ref, body, meta(null))
      expect(put).toEqual({
        ...meta(null),
        version: '1',
        savedAt: now,
        contentSha256: sha256(body),
        sizeBytes: body.byteLength,
        report: null,
      } satisfies VaultVersion)
      expect(await again().latest(ref)).toEqual(put)
      expect(text(await again().read(ref, '1'))).toBe(text(body))
    })

    test('versions grow by one; history is newest first; old content stays', async () => {
      const { vault } = await make()
      let base: string | null = null
      for (let i = 1; i <= 12; i++) base = (await vault.put(ref, bytes(`save ${i}`), meta(base))).version
      expect((await vault.history(ref)).map((v) => v.version)).toEqual(
        Array.from({ length: 12 }, (_, i) => String(12 - i)),
      )
      expect((await vault.latest(ref))?.version).toBe('12')
      expect(text(await vault.read(ref, '2'))).toBe('save 2')
    })

    test('a save on another base than the newest is refused, names the newest and changes nothing', async () => {
      const { vault } = await make()
      await expect(vault.put(ref, bytes('x'), meta('1'))).rejects.toMatchObject({
        code: 'base-mismatch',
        data: { latest: null },
      })
      const first = await vault.put(ref, bytes('one'), meta(null))
      for (const base of [null, '2', '0', ''])
        await expect(vault.put(ref, bytes('two'), meta(base))).rejects.toMatchObject({
          code: 'base-mismatch',
          data: { latest: first },
        })
      expect(await vault.history(ref)).toEqual([first])
    })

    test('of many saves on one base, in two processes at once, exactly one is kept', async () => {
      const { vault, again } = await make()
      const other = again()
      const tries = await Promise.allSettled(
        Array.from({ length: 20 }, (_, i) => (i % 2 ? vault : other).put(ref, bytes(`try ${i}`), meta(null))),
      )
      const kept = tries.flatMap((result, i) => (result.status === 'fulfilled' ? [i] : []))
      expect(kept).toHaveLength(1)
      for (const result of tries)
        if (result.status === 'rejected') expect(result.reason).toMatchObject({ code: 'base-mismatch' })
      expect(text(await vault.read(ref, '1'))).toBe(`try ${kept[0]}`)
      expect(await vault.history(ref)).toHaveLength(1)
    })

    test('empty content is content: everything was deleted', async () => {
      const { vault } = await make()
      await vault.put(ref, bytes('a'), meta(null))
      await vault.put(ref, bytes(''), meta('1'))
      expect((await vault.read(ref, '2')).byteLength).toBe(0)
      expect((await vault.latest(ref))?.sizeBytes).toBe(0)
    })

    test('owners, datasets and kinds never meet, however their names look', async () => {
      const { vault } = await make()
      const owners = [
        'a:b',
        'a%3ab',
        'A:b',
        'a/b',
        'a',
        '..',
        '.',
        '../a',
        'a@b.c',
        'ä',
        'a\u0308',
        ' ',
        'a\nb',
        'x'.repeat(400),
        `${'x'.repeat(399)}y`,
        `oidc:${'ü'.repeat(300)}`,
      ]
      for (const ownerId of owners)
        for (const datasetId of ['one', 'one-2'])
          await vault.put({ ownerId, datasetId, kind: 'labels' }, bytes(`${ownerId}|${datasetId}`), meta(null))
      await vault.put({ ownerId: 'a', datasetId: 'three', kind: 'genesets' }, bytes('genes'), meta(null))
      for (const ownerId of owners) {
        for (const datasetId of ['one', 'one-2'])
          expect(text(await vault.read({ ownerId, datasetId, kind: 'labels' }, '1'))).toBe(`${ownerId}|${datasetId}`)
        expect(await vault.latest({ ownerId, datasetId: 'one', kind: 'genesets' })).toBeNull()
        expect(await vault.listDatasets(ownerId)).toEqual(
          ownerId === 'a' ? ['one', 'one-2', 'three'] : ['one', 'one-2'],
        )
      }
    })

    test('a version is looked up by its exact number and nothing else', async () => {
      const { vault } = await make()
      await vault.put(ref, bytes('one'), meta(null))
      for (const version of ['', '0', '01', '1.0', '2', '../1', '1/', '.', '-1', '1e0', ' 1'])
        await expect(vault.read(ref, version), version).rejects.toMatchObject({ code: 'not-found' })
    })

    test('a body that is too large for the way to the API has another way, or goes as it is', async () => {
      const { vault, again } = await make()
      if (vault.uploads === undefined) return
      const body = new Uint8Array(vault.uploads.directBytes + 1).fill(65)
      const {
        url,
        headers,
        ref: named,
      } = await vault.uploads.offer('session-1', {
        sizeBytes: body.byteLength,
        sha256: sha256(body),
      })
      expect((await fetch(url, { method: 'PUT', headers, body })).status).toBe(200)
      const taken = await again().uploads?.take('session-1', named, body.byteLength)
      expect(Buffer.from(taken ?? []).equals(body)).toBe(true)
      const lent = await fetch(await vault.uploads.lend(body, 'a.csv'))
      expect(Buffer.from(await lent.arrayBuffer()).equals(body)).toBe(true)
      expect(await vault.listDatasets(ref.ownerId)).toEqual([])
    })

    test('5 MB of labels come back byte for byte', async () => {
      const { vault } = await make()
      const body = bytes(Array.from({ length: 200_000 }, (_, i) => `AAACCTGAG-${i},type ${i % 40}\n`).join(''))
      await vault.put(ref, body, meta(null))
      expect(sha256(await vault.read(ref, '1'))).toBe(sha256(body))
    })
  })
}
