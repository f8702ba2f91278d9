/** What can be wrong with a machine is said in one line that tells what to do; a bug keeps its stack trace. */
import { createServer } from 'node:net'
import { describe, expect, it } from 'vitest'
import { LauncherError } from '../../functions/core/errors.ts'
import { explainStartError } from '../../functions/setup/start-error.ts'
import { SetupError } from '../../functions/setup/words.mjs'

const system = (code: string, more: object = {}) =>
  Object.assign(new Error(`${code}: as node says it`), { code, ...more })

describe('explainStartError', () => {
  it('a busy port, as node really reports it', async () => {
    const first = createServer()
    await new Promise<void>((resolve) => first.listen(0, '127.0.0.1', resolve))
    const address = first.address()
    const port = typeof address === 'object' && address !== null ? address.port : 0
    const second = createServer()
    const error = await new Promise((resolve) => second.once('error', resolve).listen(port, '127.0.0.1'))
    first.close()
    expect(explainStartError(error)).toMatch(new RegExp(`^Port ${port} is busy.*--port N`))
  })

  it.each([
    [system('ENOSPC', { path: '/x/y' }), /^The disk is full \(\/x\/y\)/],
    [system('EDQUOT'), /^The disk is full\./],
    [system('EROFS'), /read-only/],
    [system('EACCES', { syscall: 'listen', port: 80 }), /^Port 80 needs rights/],
    [system('EACCES', { path: '/x' }), /^Permission denied \(\/x\)/],
    [system('EADDRNOTAVAIL', { address: '10.9.9.9' }), /10\.9\.9\.9.*--host/],
    [system('EMFILE'), /ulimit/],
    [new SetupError('As it is.'), /^As it is\.$/],
    [new LauncherError('bad-setting', 'Set it right.'), /^Set it right\.$/],
  ])('%s', (error, words) => {
    expect(explainStartError(error)).toMatch(words)
  })

  it('leaves bugs alone', () => {
    expect(explainStartError(new TypeError('x is not a function'))).toBeNull()
    expect(explainStartError('text')).toBeNull()
  })
})
