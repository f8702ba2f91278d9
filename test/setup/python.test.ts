/** The Python environment: found or refused in words, made once, repaired after a crash, shared by two starts. Uses real
 * interpreters and a tiny package that is made here, so that nothing is downloaded. */
import { spawnSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { findPython } from '../../functions/setup/find-python.ts'
import { ensurePython } from '../../functions/setup/python.ts'
import { testPython } from '../support/tools.ts'
import { scratch } from './scratch.ts'

let wheels = ''
let requirements = ''
const before = { ...process.env }

beforeEach(() => {
  wheels = scratch()
  requirements = path.join(wheels, 'requirements.txt')
  const hash = createHash('sha256').update(makeWheel()).digest('hex')
  writeFileSync(requirements, `tiny==1.0 --hash=sha256:${hash}\n`)
  process.env.PIP_NO_INDEX = '1'
  process.env.PIP_FIND_LINKS = wheels
})
afterEach(() => {
  for (const name of ['PIP_NO_INDEX', 'PIP_FIND_LINKS', 'PATH'])
    if (before[name] === undefined) delete process.env[name]
    else process.env[name] = before[name]
})

/** A wheel with one module. */
function makeWheel(): Buffer {
  const file = path.join(wheels, 'tiny-1.0-py3-none-any.whl')
  const script = `
import sys, zipfile
z = zipfile.ZipFile(sys.argv[1], "w")
z.writestr("tiny.py", "answer = 42\\n")
z.writestr("tiny-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: tiny\\nVersion: 1.0\\n")
z.writestr("tiny-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nGenerator: test\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
z.writestr("tiny-1.0.dist-info/RECORD", "tiny.py,,\\n")
z.close()`
  spawnSync(testPython(), ['-I', '-c', script, file])
  return readFileSync(file)
}

const answerOf = (python: string): string =>
  spawnSync(python, ['-I', '-c', 'import tiny; print(tiny.answer)']).stdout.toString().trim()

describe('the environment', () => {
  const wished = () => ({ folder: path.join(scratch(), 'python'), wanted: testPython(), requirements })
  /** Each makes environments, which takes seconds alone and more on a busy machine. */
  const slow = { timeout: 120_000 }

  it('is made once by two starts at once', slow, async () => {
    const wish = wished()
    const [one, two] = await Promise.all([ensurePython(wish), ensurePython(wish)])
    expect(one).toBe(two)
    expect(answerOf(one)).toBe('42')
  })

  it('is made again after a crash half-way, and when its interpreter is gone', slow, async () => {
    const wish = wished()
    const environment = path.dirname(path.dirname(await ensurePython(wish)))
    // What a crash leaves has everything but the mark, which is written last.
    rmSync(path.join(environment, '.complete'))
    rmSync(path.join(environment, 'lib'), { recursive: true })
    expect(answerOf(await ensurePython(wish))).toBe('42')
    // As after a system upgrade.
    rmSync(path.join(environment, 'bin'), { recursive: true })
    expect(answerOf(await ensurePython(wish))).toBe('42')
  })

  it('makes way for one with other pins', slow, async () => {
    const wish = wished()
    const one = await ensurePython(wish)
    writeFileSync(requirements, `${readFileSync(requirements, 'utf8')}# newer\n`)
    const other = await ensurePython(wish)
    expect(other).not.toBe(one)
    expect(readdirSync(wish.folder).filter((name) => !name.startsWith('.'))).toHaveLength(1)
  })

  it('lets in nothing with another hash', slow, async () => {
    const folder = path.join(scratch(), 'python')
    writeFileSync(requirements, `tiny==1.0 --hash=sha256:${'0'.repeat(64)}\n`)
    await expect(ensurePython({ folder, wanted: testPython(), requirements })).rejects.toThrow(
      /HASHES[\s\S]*not the one that was pinned/,
    )
    expect(readdirSync(folder)).toEqual([])
  })

  it('says what pip said when it could not', slow, async () => {
    const folder = path.join(scratch(), 'python')
    writeFileSync(requirements, `absent==1.0 --hash=sha256:${'0'.repeat(64)}\n`)
    await expect(ensurePython({ folder, wanted: testPython(), requirements })).rejects.toThrow(
      /last words:[\s\S]*No matching distribution[\s\S]*network/,
    )
  })
})

describe('Python', () => {
  /** A folder with one program that answers as an interpreter would. */
  function pretend(name: string, answer: object | null): string {
    const folder = scratch()
    mkdirSync(folder, { recursive: true })
    writeFileSync(
      path.join(folder, name),
      answer === null ? '#!/bin/sh\nexit 127\n' : `#!/bin/sh\necho '${JSON.stringify(answer)}'\n`,
    )
    chmodSync(path.join(folder, name), 0o755)
    return folder
  }

  it.each([
    ['none', null, 'No Python was found'],
    ['too new', { path: '/x', version: '3.13.0', hasEnsurepip: true, hasPip: true }, 'found only 3.13.0 (/x)'],
    [
      'too old',
      { path: '/x', version: '3.9.2', hasEnsurepip: true, hasPip: true },
      'cellxgene needs Python 3.10, 3.11 or 3.12',
    ],
    [
      'without venv',
      { path: '/x', version: '3.11.2', hasEnsurepip: false, hasPip: false },
      'sudo apt install python3.11-venv',
    ],
  ])('%s', async (_, answer, words) => {
    process.env.PATH = pretend('python3', answer)
    await expect(findPython(null)).rejects.toThrow(words)
  })

  it('that was named and does not run', async () => {
    await expect(findPython('/nowhere/python3')).rejects.toThrow('/nowhere/python3 is not a Python that runs')
  })

  it('prefers one that is supported to the one called python3', async () => {
    const good = { path: '/good', version: '3.12.4', hasEnsurepip: true, hasPip: true }
    const folder = pretend('python3.12', good)
    writeFileSync(
      path.join(folder, 'python3'),
      `#!/bin/sh\necho '${JSON.stringify({ ...good, version: '3.14.0' })}'\n`,
      { mode: 0o755 },
    )
    process.env.PATH = folder
    await expect(findPython(null)).resolves.toEqual(good)
    expect(existsSync(path.join(folder, 'python3'))).toBe(true)
  })
})
