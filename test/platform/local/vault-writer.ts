/** Saves to a vault as fast as it can and says each acknowledged version; the test kills it. Argument: the vault's folder. */
import type { VaultRef } from '../../../functions/core/ports.ts'
import { createVault } from '../../../functions/platform/local/vault.ts'

const ref: VaultRef = { ownerId: 'local:ann', datasetId: 'pbmc', kind: 'labels' }
const vault = createVault(process.argv[2] ?? '', { now: () => 1_700_000_000_000 })
let base = (await vault.latest(ref))?.version ?? null
for (;;) {
  const body = new TextEncoder().encode(`save ${Number(base ?? 0) + 1}\n${'cell,label\n'.repeat(20_000)}`)
  const meta = { base, savedBy: 'Ann', origin: 'session:x', datasetVersion: 'd', obsIndexHash: 'e', requestSha256: 'f' }
  base = (await vault.put(ref, body, meta)).version
  process.stdout.write(`${base}\n`)
}
