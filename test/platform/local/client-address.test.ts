/** The address that attempts are counted by, over real connections, through the whole app. */
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { afterAll, describe, expect, it } from 'vitest'
import { clientAddress } from '../../../functions/platform/local/client-address.ts'
import { openTestApp } from '../../support/app.ts'
import { appOrigin } from '../../support/people.ts'
import { tempDir } from '../../support/temp-dir.ts'

const seen: string[] = []
const bed = await openTestApp(tempDir(), {
  web: {
    clientAddress: (c) => {
      seen.push(clientAddress(c))
      return seen.at(-1) ?? ''
    },
  },
})
const server = createServer(getRequestListener(bed.app.fetch))
await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
afterAll(async () => {
  server.close()
  await bed.store.close()
})

function signIn(headers: Record<string, string>, localAddress = '127.0.0.1'): Promise<number> {
  const { port } = server.address() as AddressInfo
  const form = { 'content-type': 'application/x-www-form-urlencoded', origin: appOrigin }
  return new Promise((resolve, reject) => {
    const options = {
      port,
      host: '127.0.0.1',
      localAddress,
      path: '/sign-in',
      method: 'POST',
      headers: { ...form, ...headers },
    }
    request(options, (answer) => answer.resume().on('end', () => resolve(answer.statusCode ?? 0)))
      .on('error', reject)
      .end('name=nobody&password=wrong')
  })
}

describe('clientAddress', () => {
  it('is the connection’s own, and a local proxy’s last word where there is one', async () => {
    expect(await signIn({})).toBe(401)
    await signIn({ 'x-forwarded-for': '203.0.113.9' })
    // What stands before the last entry was written by the client.
    await signIn({ 'x-forwarded-for': '10.0.0.1, 203.0.113.10' })
    await signIn({ 'x-forwarded-for': ' ' })
    for (const odd of ['not an address', 'x'.repeat(8000), '203.0.113.9:1', '::1%eth0,'])
      await signIn({ 'x-forwarded-for': odd })
    // From another machine (here: another loopback address) the header is the client's own invention.
    await signIn({ 'x-forwarded-for': '203.0.113.9' }, '127.0.0.2')
    expect(seen).toEqual(['127.0.0.1', '203.0.113.9', '203.0.113.10', ...Array(5).fill('127.0.0.1'), '127.0.0.2'])
  })
})
