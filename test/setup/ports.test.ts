/** A busy port is found before anything is installed, and not kept busy by the looking. */
import { createServer } from 'node:net'
import { expect, it } from 'vitest'
import { ensurePorts } from '../../functions/setup/ports.ts'
import { explainStartError } from '../../functions/setup/start-error.ts'
import { freePort } from '../support/free-port.ts'

it('a busy port is named, whichever of the two it is', async () => {
  const [port, viewPort] = [await freePort(), await freePort()]
  const where = { host: '127.0.0.1', port, viewPort }
  await ensurePorts(where)
  await ensurePorts(where)
  for (const busy of [port, viewPort]) {
    const other = createServer()
    await new Promise<void>((resolve) => other.listen(busy, '127.0.0.1', resolve))
    const error = await ensurePorts(where).catch((reason: unknown) => reason)
    await new Promise((resolve) => other.close(resolve))
    expect(explainStartError(error)).toMatch(`Port ${busy} is busy`)
  }
})
