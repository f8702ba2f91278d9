/** SECURITY.md promises tests: each that it names must be there, and no threat may go without. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../../functions/setup/python.ts'
import { tableOf } from '../attack/table.ts'
import { promiseGroups } from '../infra/promises.ts'

const attackTable = 'test/attack/attack-table.test.ts'
const rows = new Set(
  Object.values(tableOf(() => Promise.reject(new Error('only the names are asked for')))).flatMap((part) =>
    part.map(({ name }) => name),
  ),
)

type Named = { file: string; name: string | null }

const plan = 'test/infra/infra.test.ts'
const planned = new Set(Object.values(promiseGroups).flatMap((group) => group.map(({ name }) => name)))

/** `Table “name”, “name”`, `Plan “name”`, `[file](path) “name”` or a file alone, separated by semicolons. */
function named(cell: string): Named[] {
  return cell.split(/;(?=\s*(?:\[|Table\b|Plan\b))/).flatMap((part): Named[] => {
    const link = /^\s*\[[^\]]+\]\(([^)]+)\)/.exec(part)?.[1]
    const file = link ?? (/^\s*Table\b/.test(part) ? attackTable : /^\s*Plan\b/.test(part) ? plan : '')
    const names = [...part.matchAll(/“([^”]+)”/g)].map(([, name = '']) => ({ file, name }))
    return names.length > 0 ? names : [{ file, name: null }]
  })
}

function threatsOf(text: string): { threat: string; tests: Named[] }[] {
  const lines = text.split('\n').filter((line) => line.startsWith('| ') && !line.startsWith('| threat'))
  return lines.map((line) => {
    const [, threat = '', , shown = ''] = line.split(' | ').length === 3 ? ['', ...line.split(' | ')] : []
    return { threat: threat.replace(/^\| /, ''), tests: named(shown.replace(/\|\s*$/, '')) }
  })
}

/** @returns what is promised and is not there */
function missing(text: string, root: string): string[] {
  return threatsOf(text).flatMap(({ threat, tests }) =>
    tests.flatMap(({ file, name }) => {
      if (!/^test\/.+\.test\.tsx?$/.test(file) || !existsSync(path.join(root, file)))
        return [`${threat}: no file “${file}”`]
      if (name === null) return file === attackTable ? [`${threat}: name the row of the table`] : []
      const known = { [attackTable]: rows, [plan]: planned }[file]
      const there = known ? known.has(name) : hasTest(readFileSync(path.join(root, file), 'utf8'), name)
      return there ? [] : [`${threat}: no test “${name}” in ${file}`]
    }),
  )
}

const hasTest = (source: string, name: string): boolean =>
  [`('${name}'`, `("${name}"`, `(\`${name}\``].some((start) => source.includes(start))

describe('SECURITY.md', () => {
  const text = readFileSync(path.join(projectRoot(), 'SECURITY.md'), 'utf8')

  it('names tests that exist, for every threat', () => {
    expect(threatsOf(text).length).toBeGreaterThan(35)
    expect(missing(text, projectRoot())).toEqual([])
  })

  it('would be caught if it did not', () => {
    const broken = [
      '| a | b | Table “no such row” |',
      '| c | d | [x](test/auth/turns.test.ts) “no such test” |',
      '| e | f | [x](test/nothing.test.ts) |',
      '| g | h | nothing |',
      '| i | j | Table |',
    ]
    expect(missing(broken.join('\n'), projectRoot())).toEqual([
      'a: no test “no such row” in test/attack/attack-table.test.ts',
      'c: no test “no such test” in test/auth/turns.test.ts',
      'e: no file “test/nothing.test.ts”',
      'g: no file “”',
      'i: name the row of the table',
    ])
  })
})
