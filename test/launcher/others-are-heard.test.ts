/** Labels of very many cells are read, brought together and written beside everything else: nobody waits for their end. */
import { afterAll, describe, expect, it } from 'vitest'
import { defaultLimits } from '../../functions/core/limits.ts'
import { carryOver } from '../../functions/launcher/carry-over.ts'
import { type Context, createHere } from '../../functions/launcher/context.ts'
import { uploadLabels } from '../../functions/launcher/upload-labels.ts'
import { aDataset, aUser, openTestBed } from '../support/ports.ts'
import { tempDir } from '../support/temp-dir.ts'

const bed = await openTestBed(tempDir(), [aDataset({ version: 'v1' })])
afterAll(() => bed.store.close())
const cells = Array.from({ length: 40_000 }, (_, n) => `AAACCTGAGG${n.toString(36)}-1`)
await bed.ports.cells.put('v1', { names: cells, columns: ['n_genes'] })
await bed.ports.cells.put('v2', { names: [...cells].reverse(), columns: ['type'] })
const csv = (column: string) =>
  new TextEncoder().encode(`index,${column},mine\n${cells.map((cell, at) => `${cell},T${at % 7},B`).join('\n')}\n`)
/** Counted in words and not by a clock, so it is the same everywhere: 138 and 57. A part done in one piece takes at least five away. */
const fewest = { upload: 134, carryOver: 54 }

/** How often others had their turn while neither disk nor store was asked for anything: that is, between two pieces of the work. */
async function turnsOfOthers(act: (context: Context) => Promise<unknown>): Promise<number> {
  let [asked, turns, over] = [0, 0, false]
  const watched = <T extends object>(port: T): T =>
    new Proxy(port, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        return async (...given: unknown[]) => {
          asked++
          return Promise.resolve(Reflect.apply(value, target, given)).finally(() => asked--)
        }
      },
    })
  const { vault, cells: names, catalogue, ...ports } = bed.ports
  const another = () => {
    if (asked === 0) turns++
    if (!over) setImmediate(another)
  }
  setImmediate(another)
  await act({
    ports: { ...ports, vault: watched(vault), cells: watched(names), catalogue: watched(catalogue) },
    limits: defaultLimits,
    here: createHere(),
  }).finally(() => {
    over = true
  })
  return turns
}

describe('labels of very many cells', () => {
  it('hold nobody up while they are brought together, and while they are brought over', async () => {
    const who = aUser('ada')
    await bed.launcher().uploadLabels(who, 'pbmc', { body: csv('type'), base: null, mode: 'replace' })
    const upload = { body: csv('kind'), base: '1', mode: 'add' } as const
    expect(await turnsOfOthers((context) => uploadLabels(context, who, 'pbmc', upload))).toBeGreaterThanOrEqual(
      fewest.upload,
    )
    const to = { ownerId: who.id, datasetId: 'pbmc', datasetVersion: 'v2', obsIndexHash: 'h2' }
    expect(await turnsOfOthers((context) => carryOver(context, to))).toBeGreaterThanOrEqual(fewest.carryOver)
    const kept = await bed.ports.vault.latest({ ownerId: who.id, datasetId: 'pbmc', kind: 'labels' })
    expect(kept).toMatchObject({ version: '3', report: { matchedCells: cells.length } })
    expect(kept?.report?.renamed).toEqual([{ from: 'type', to: 'type (label)' }])
  })

  it('are one work at a time, whoever brings them: each takes a gigabyte', async () => {
    const { cells: names, vault, ...ports } = bed.ports
    const seen: string[] = []
    const context: Context = {
      ports: {
        ...ports,
        cells: {
          ...names,
          get(version) {
            seen.push('read')
            return names.get(version)
          },
        },
        vault: { ...vault, put: (...given) => vault.put(...given).finally(() => seen.push('kept')) },
      },
      limits: defaultLimits,
      here: createHere(),
    }
    const upload = { body: csv('type'), base: null, mode: 'replace' } as const
    await Promise.all(['bob', 'cyd'].map((name) => uploadLabels(context, aUser(name), 'pbmc', upload)))
    expect(seen).toEqual(['read', 'kept', 'read', 'kept'])
  })
})
