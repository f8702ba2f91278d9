/** Step 4, for a dataset that was replaced: its labels become a vault version for the file as it is now, each on its own cell. */
import { isLauncherError } from '../core/errors.ts'
import { carryOver as bring } from '../core/label-table.ts'
import type { VaultRef } from '../core/ports.ts'
import type { Principal } from '../core/principal.ts'
import type { Session } from '../core/session.ts'
import { setOf } from '../core/steps.ts'
import type { Context } from './context.ts'
import { sha256 } from './hash.ts'
import { inSteps } from './in-steps.ts'
import { formatLabels, parseLabels } from './labels-csv.ts'
import type { Merged } from './types.ts'

export type CarriedTo = Pick<Session, 'ownerId' | 'datasetId' | 'datasetVersion' | 'obsIndexHash'>

/** Labels of a million cells take seconds to read and seconds to write: a gate is not kept waiting for longer than this, ms. */
const patienceMs = 4_000

/** @returns false when it goes on in the background: ask again. Throws what went wrong, to who still waits for it. */
export async function carriedOverSoon(context: Context, to: CarriedTo): Promise<boolean> {
  const carrying = carryOver(context, to).then(() => true)
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<false>((resolve) => {
    timer = setTimeout(() => resolve(false), patienceMs)
  })
  // Who asks again hears of what went wrong then.
  carrying.catch(() => undefined)
  return Promise.race([carrying, late]).finally(() => clearTimeout(timer))
}

/** Somebody may save between our look and our write: look again. */
const tries = 5
/** Of those under way in this process: a gate that asks again waits for the first, instead of beginning another. */
const underWay = new WeakMap<Context, Map<string, Promise<void>>>()

/**
 * Before a viewer of another dataset version reads the labels: a vault version of their own, with a report of what became
 * of them. May be repeated, and two may do it: the vault takes one. Without the version's cells nothing is written, and what
 * is no table of labels is left as it is: the viewer joins by name all the same, and has words for the latter.
 */
export async function carryOver(context: Context, to: CarriedTo): Promise<void> {
  const key = JSON.stringify([to.ownerId, to.datasetId, to.datasetVersion])
  const mine = underWay.get(context) ?? new Map<string, Promise<void>>()
  underWay.set(context, mine)
  const running = mine.get(key) ?? context.here.tables(() => carry(context, to)).finally(() => mine.delete(key))
  mine.set(key, running)
  return running
}

async function carry({ ports }: Context, to: CarriedTo): Promise<void> {
  const { ownerId, datasetId, datasetVersion, obsIndexHash } = to
  const ref: VaultRef = { ownerId, datasetId, kind: 'labels' }
  for (let left = tries; left > 0; left--) {
    const latest = await ports.vault.latest(ref)
    if (latest === null || latest.datasetVersion === datasetVersion || latest.sizeBytes === 0) return
    const cells = await ports.cells.get(datasetVersion)
    if (cells === null) return
    const origin = `carry-over:${latest.version}`
    try {
      const before = await inSteps(parseLabels(await ports.vault.read(ref, latest.version)))
      const names = await inSteps(setOf(cells.names))
      const { table, report } = await inSteps(bring(before, { names, columns: cells.columns }))
      const kept = await ports.vault.put(ref, await inSteps(formatLabels(table)), {
        ...{ base: latest.version, savedBy: latest.savedBy, origin, datasetVersion, obsIndexHash, report },
        requestSha256: sha256(origin, datasetVersion),
      })
      const { matchedCells, unmatchedCells } = report
      const fields = { dataset: datasetId, version: kept.version, matchedCells, unmatchedCells }
      ports.log('info', 'labels carried over', fields)
      return
    } catch (error) {
      if (isLauncherError(error, 'bad-request'))
        return ports.log('warn', 'labels not carried over', { dataset: datasetId, version: latest.version })
      if (!isLauncherError(error, 'base-mismatch')) throw error
    }
  }
}

/** The newest labels, if they were brought over from another dataset version and nobody has saved since. */
export async function carried({ ports }: Context, who: Principal, datasetId: string): Promise<Merged | null> {
  const latest = await ports.vault.latest({ ownerId: who.id, datasetId, kind: 'labels' })
  if (latest?.report == null || !latest.origin.startsWith('carry-over:')) return null
  return { version: latest.version, report: latest.report }
}
