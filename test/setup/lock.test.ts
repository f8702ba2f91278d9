/** One set-up at a time; a holder that died does not block the next start. */
import { spawn, spawnSync } from 'node:child_process'
import { existsSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { withLock } from '../../functions/setup/lock.mjs'
import { projectRoot } from '../../functions/setup/python.ts'
import { scratch } from './scratch.ts'

describe('withLock', () => {
  it('lets one in at a time, of several processes, and none is lost', async () => {
    const dir = scratch()
    const module = path.join(projectRoot(), 'functions/setup/lock.mjs')
    // Each reads a number, waits, and writes it back plus one: together they would lose some.
    const script = `
      import { readFileSync, writeFileSync } from 'node:fs'
      import { withLock } from ${JSON.stringify(module)}
      for (let i = 0; i < 3; i += 1) await withLock('lock', async () => {
        const seen = Number(readFileSync('count', 'utf8'))
        await new Promise((resolve) => setTimeout(resolve, 5))
        writeFileSync('count', String(seen + 1))
      })`
    writeFileSync(path.join(dir, 'count'), '0')
    const children = Array.from({ length: 4 }, () =>
      spawn(process.execPath, ['--input-type=module', '-e', script], { cwd: dir, stdio: 'ignore' }),
    )
    const codes = await Promise.all(children.map((child) => new Promise((resolve) => child.once('exit', resolve))))
    expect(codes).toEqual([0, 0, 0, 0])
    expect(spawnSync('cat', [path.join(dir, 'count')]).stdout.toString()).toBe('12')
    expect(existsSync(path.join(dir, 'lock'))).toBe(false)
  })

  it('is taken from a process that is gone', async () => {
    const file = path.join(scratch(), 'lock')
    const { pid } = spawnSync(process.execPath, ['-e', ''])
    writeFileSync(file, `${pid} 1 dead`)
    await expect(withLock(file, async () => 'in')).resolves.toBe('in')
  })

  it.skipIf(process.platform !== 'linux')('is taken from a number that now belongs to another process', async () => {
    const file = path.join(scratch(), 'lock')
    writeFileSync(file, `${process.pid} 1 reused`)
    await expect(withLock(file, async () => 'in')).resolves.toBe('in')
  })

  it('is given back when the work fails', async () => {
    const file = path.join(scratch(), 'lock')
    await expect(withLock(file, () => Promise.reject(new Error('no')))).rejects.toThrow('no')
    expect(existsSync(file)).toBe(false)
  })
})
