/** The shape of the project, kept by a test: who may import whom, how long a file may be, what may not stand in one. */
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, it } from 'vitest'
import { projectRoot } from '../../functions/setup/python.ts'

const root = projectRoot()
const tracked = execFileSync('git', ['ls-files', '-z'], { cwd: root })
  .toString()
  .split('\0')
  .filter((file) => file !== '' && existsSync(path.join(root, file)))
const text = (file: string): string => readFileSync(path.join(root, file), 'utf8')
const isCode = (file: string): boolean => /\.(ts|tsx|mjs|py)$/.test(file)

/** Imports of a file: ours as paths from the project's folder, packages by name. `type` when nothing is left at run time. */
type Import = { target: string; typeOnly: boolean }

function importsOf(file: string): Import[] {
  const source = text(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/^\s*\/\/.*$/gm, '')
  const found: Import[] = []
  const statement = /^\s*(import|export)\s+(type\s+)?([^'"`;]*?\bfrom\s+)?['"]([^'"]+)['"]/gm
  for (const [, word, type, names, target = ''] of source.matchAll(statement)) {
    if (word === 'export' && names === undefined) continue
    const inBraces = /^\{([^}]*)\}\s*from\s+$/
      .exec(names ?? '')?.[1]
      ?.split(',')
      .map((name) => name.trim())
      .filter(Boolean)
    const allTypes = inBraces !== undefined && inBraces.length > 0 && inBraces.every((name) => name.startsWith('type '))
    found.push({ target: resolve(file, target), typeOnly: type !== undefined || allTypes })
  }
  for (const [, target = ''] of source.matchAll(/\bimport\(\s*['"]([^'"]+)['"]/g))
    found.push({ target: resolve(file, target), typeOnly: false })
  return found
}

const resolve = (file: string, target: string): string =>
  target.startsWith('.') ? path.posix.join(path.posix.dirname(file), target) : target

const ours = (target: string): boolean => target.startsWith('functions/') || target.startsWith('web/')
const below =
  (...folders: string[]) =>
  (target: string) =>
    folders.some((folder) => target.startsWith(folder))
const node = (target: string): boolean => target.startsWith('node:')
const cloud = (target: string): boolean => /^(@aws-sdk|@smithy|aws-|sst)\b/.test(target) || target === 'dynalite'

/** For each folder: what of ours it may import, at run time and for types alone; and which packages. */
const rules: readonly {
  folder: string
  why: string
  run: (target: string) => boolean
  types?: (target: string) => boolean
  packages?: (target: string) => boolean
}[] = [
  {
    folder: 'functions/core/',
    why: 'core imports nothing of ours, and no package: it is what everything else is judged by',
    run: below('functions/core/'),
    packages: () => false,
  },
  {
    folder: 'functions/launcher/',
    why: 'launcher knows core and the wire’s types, no platform',
    run: below('functions/launcher/', 'functions/core/'),
    types: below('functions/api/contract/'),
    // Files that people and pages bring, read by libraries.
    packages: (target) => node(target) || target === 'papaparse',
  },
  {
    folder: 'functions/auth/',
    why: 'auth knows core',
    run: below('functions/auth/', 'functions/core/'),
    types: below('functions/launcher/'),
  },
  {
    folder: 'functions/api/',
    why: 'api knows core, launcher and auth, and renders web’s pages',
    run: below('functions/api/', 'functions/core/', 'functions/launcher/', 'functions/auth/', 'web/'),
  },
  {
    folder: 'functions/lobby/',
    why: 'lobby knows core, launcher and auth, and renders web’s waiting view',
    run: below(
      'functions/lobby/',
      'functions/api/contract/',
      'functions/core/',
      'functions/launcher/',
      'functions/auth/',
      'web/',
    ),
  },
  {
    folder: 'functions/gate/',
    why: 'the gate is a small image of its own: errors and types of core, types of the wire, no schemas, no cloud',
    run: below('functions/gate/', 'functions/core/errors.ts'),
    types: below('functions/core/', 'functions/api/contract/'),
    packages: (target) => node(target) || /^jose(\/|$)/.test(target),
  },
  {
    folder: 'functions/setup/',
    why: 'the set-up runs before the rest',
    run: below('functions/setup/', 'functions/core/errors.ts', 'functions/platform/local/settings'),
    types: below('functions/platform/local/settings'),
  },
  {
    folder: 'web/',
    why: 'web knows what it shows: types of wire and core',
    run: below('web/', 'functions/api/contract/'),
    types: below('functions/core/', 'functions/api/', 'functions/launcher/types.ts'),
  },
]

describe('imports', () => {
  for (const rule of rules) {
    it(`${rule.folder}: ${rule.why}`, () => {
      const files = tracked.filter((file) => file.startsWith(rule.folder) && /\.(ts|tsx|mjs)$/.test(file))
      expect(files.length).toBeGreaterThan(0)
      const wrong = files.flatMap((file) =>
        importsOf(file)
          .filter(({ target, typeOnly }) => {
            if (!ours(target)) return rule.packages !== undefined && !typeOnly && !rule.packages(target)
            return !(rule.run(target) || (typeOnly && rule.types?.(target)))
          })
          .map(({ target }) => `${file} → ${target}`),
      )
      expect(wrong).toEqual([])
    })
  }

  it('of a cloud SDK or the embedded store: platform alone', () => {
    const wrong = tracked
      .filter((file) => /^(functions|web)\/.*\.(ts|tsx|mjs)$/.test(file) && !file.startsWith('functions/platform/'))
      .flatMap((file) =>
        importsOf(file)
          .filter(({ target }) => cloud(target))
          .map(({ target }) => `${file} → ${target}`),
      )
    expect(wrong).toEqual([])
  })

  it('of an entry: nobody', () => {
    const wrong = tracked
      .filter((file) => /\.(ts|tsx|mjs)$/.test(file))
      .filter((file) => importsOf(file).some(({ target }) => target.startsWith('functions/entry/')))
    expect(wrong).toEqual([])
  })

  it('are seen by this test in every form', () => {
    const found = importsOf('test/architecture/imports-sample.txt').map(
      ({ target, typeOnly }) => `${typeOnly ? 'type ' : ''}${target}`,
    )
    expect(found).toEqual([
      'type functions/core/a.ts',
      'type functions/core/b.ts',
      'functions/core/c.ts',
      'functions/core/d.ts',
      'functions/core/e.ts',
      'functions/core/f.ts',
      'node:fs',
      'functions/core/g.ts',
    ])
  })
})

describe('files', () => {
  const code = tracked.filter((file) => isCode(file) && /^(functions|web|test)\//.test(file))

  it('are short: 300 lines at most, entries 15', () => {
    const limit = (file: string): number => (file.startsWith('functions/entry/') ? 15 : 300)
    const long = code
      .map((file) => ({ file, lines: text(file).split('\n').length - 1 }))
      .filter(({ file, lines }) => lines > limit(file))
    expect(long).toEqual([])
  })

  it('begin with what they are for', () => {
    const silent = code.filter((file) => !/^(#!.*\n)?(\/\*\*|\/\/|#|"""|r""")/.test(text(file)))
    expect(silent.filter((file) => !file.endsWith('__init__.py'))).toEqual([])
  })

  it('are named in kebab-case, and Python modules as Python wants', () => {
    const odd = code.filter((file) => {
      const name = path.basename(file)
      return name.endsWith('.py')
        ? !/^[a-z0-9_]+\.py$/.test(name)
        : !/^[a-z0-9-]+(\.[a-z0-9-]+)*\.(ts|tsx|mjs)$/.test(name)
    })
    expect(odd).toEqual([])
  })

  it('know neither this machine nor where its packages come from', () => {
    // Written so that this file does not find itself.
    const words = [
      '/wo' + 'rk/',
      '/tmp/' + 'venv',

      '/ro' + 'ot/',
      'registry.' + 'npmjs',
      'pypi.' + 'org',
      'python' + 'hosted',
    ]
    const found = tracked
      .filter((file) => !/\.(png|woff2?|h5ad|ico)$/.test(file))
      .flatMap((file) => words.filter((word) => text(file).includes(word)).map((word) => `${file}: ${word}`))
    expect(found).toEqual([])
  })

  it('lie where the layout says', () => {
    const allowed = new Set(
      (
        'functions infra web test sst.config.ts package.json package-lock.json tsconfig.json vitest.config.ts biome.json ' +
        'README.md LICENSE CHANGELOG.md CONTRIBUTING.md SECURITY.md .ci .gitignore .dockerignore .editorconfig .nvmrc .gitattributes'
      ).split(' '),
    )
    expect([...new Set(tracked.map((file) => file.split('/')[0]))].filter((name) => !allowed.has(name ?? ''))).toEqual(
      [],
    )
  })
})
