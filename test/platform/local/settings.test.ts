/** Settings: read once, every problem told at once, and the table that the help and the README are made from. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { parseSettings, type Settings } from '../../../functions/platform/local/settings.ts'
import {
  envName,
  helpText,
  settingsMarkdown,
  settingsTable,
} from '../../../functions/platform/local/settings-table.mjs'

const folder = mkdtempSync(path.join(tmpdir(), 'cxod-settings-'))
afterAll(() => rmSync(folder, { recursive: true, force: true }))

function read(argv: string[], env: Record<string, string> = {}): Settings {
  const parsed = parseSettings(argv, env)
  if ('problems' in parsed) throw new Error(parsed.problems.join('\n'))
  return parsed.settings
}
function problems(argv: string[], env: Record<string, string> = {}): string[] {
  const parsed = parseSettings(argv, env)
  return 'problems' in parsed ? parsed.problems : []
}

describe('defaults', () => {
  it('need nothing', () => {
    expect(read([])).toEqual({
      dataDir: path.resolve('data'),
      dataIsDefault: true,
      stateDir: path.resolve('state'),
      host: '127.0.0.1',
      port: 8080,
      viewPort: 8081,
      appUrl: 'http://localhost:8080',
      viewUrl: 'http://127.0.0.1:8081',
      idleMs: 30 * 60_000,
      lifetimeMs: 12 * 3_600_000,
      maxSessions: 20,
      maxSessionsPerUser: 3,
      maxSessionsPerLink: 5,
      viewerMemoryMiB: expect.any(Number),
      diffexpCells: 2_000_000,
      sandbox: 'auto',
      issuers: [],
      logFile: null,
      python: null,
    })
  })

  it('of a person’s and a link’s share follow the places', () => {
    const { maxSessionsPerUser, maxSessionsPerLink } = read(['--max-sessions', '2'])
    expect([maxSessionsPerUser, maxSessionsPerLink]).toEqual([2, 2])
  })

  it('of the addresses follow the ports', () => {
    const settings = read(['--port', '9000', '--view-port=9001'])
    expect([settings.appUrl, settings.viewUrl]).toEqual(['http://localhost:9000', 'http://127.0.0.1:9001'])
  })
})

describe('sources', () => {
  it('are arguments, then the environment', () => {
    const env = { CXOD_DATA: '/srv/cells', CXOD_IDLE: '2h', CXOD_PORT: '' }
    expect(read(['--idle', '45s'], env)).toMatchObject({
      dataDir: '/srv/cells',
      dataIsDefault: false,
      idleMs: 45_000,
      port: 8080,
    })
  })

  it('name themselves in a problem', () => {
    expect(problems(['--port', '0'], { CXOD_IDLE: '20' })).toEqual([
      expect.stringMatching(/^--port: "0" is not a port/),
      expect.stringMatching(/^CXOD_IDLE: "20" is not a duration/),
    ])
  })
})

describe('refused', () => {
  it.each([
    [['--prot', '8080'], 'Did you mean --port?'],
    [['--view', '1'], 'Did you mean --view-'],
    [['--quite-another'], '--help lists them'],
    [['./data'], 'Settings look like --data DIR'],
    [['--data'], '--data: a value is missing'],
    [['--data', '--port', '1'], '--data: a value is missing'],
    [['--idle', '10s', '--idle', '20s'], 'given twice'],
    [['--app-url', 'https://lab.org/cells'], "can't live below a path"],
    [['--app-url', 'lab.org'], 'is not an address'],
    [['--host', 'a b'], 'is not an address to listen on'],
    [['--max-sessions', '-1'], 'whole number'],
    [['--port', '8081'], '--port and --view-port must differ'],
    [['--lifetime', '10m'], '--lifetime must not be shorter'],
    [['--max-sessions', '2', '--max-sessions-per-user', '3'], '--max-sessions-per-user must not be larger'],
    [['--data', '/srv/a', '--state', '/srv/a/state'], '--state must not lie inside --data'],
    [['--data', '/srv/a', '--state', '/srv/a'], '--state must not lie inside --data'],
  ])('%j', (argv, words) => {
    const told = problems(argv)
    expect(told).toHaveLength(1)
    expect(told[0]).toContain(words)
  })

  it('one host for launcher and viewers, whatever the ports: browsers would share the cookies', () => {
    const told = problems(['--app-url', 'https://cells.lab.org', '--view-url', 'https://cells.lab.org:8443'])
    expect(told).toEqual([expect.stringContaining('same host (cells.lab.org)')])
    expect(problems(['--app-url', 'http://127.0.0.1:8080'])).toHaveLength(1)
  })

  it('what npm took for itself, for want of the two dashes', () => {
    expect(problems([], { npm_config_data: '/srv/cells' })).toEqual([expect.stringContaining('npm start -- --data')])
  })

  it('a state folder beside the data folder is right', () => {
    expect(problems(['--data', '/srv/a', '--state', '/srv/a-state'])).toEqual([])
    expect(problems(['--data', '/srv/a', '--state', '/srv/..state'])).toEqual([])
  })
})

describe('issuers', () => {
  const one = { name: 'lab', issuer: 'https://id.lab.org', audience: 'cells', jwksUrl: 'https://id.lab.org/jwks' }
  let files = 0
  const withFile = (content: string): string[] => {
    files += 1
    const file = path.join(folder, `issuers-${files}.json`)
    writeFileSync(file, content)
    return ['--issuers', file]
  }

  it('come from a file', () => {
    expect(read(withFile(JSON.stringify([one]))).issuers).toEqual([{ ...one, groupsClaim: null }])
  })

  it.each([
    ['no file', ['--issuers', path.join(folder, 'none.json')], "can't be read as JSON"],
    ['no JSON', withFile('{'), "can't be read as JSON"],
  ])('%s', (_, argv, words) => {
    expect(problems(argv)).toEqual([expect.stringContaining(words)])
  })

  it.each([
    ['an unknown word', [{ ...one, jwks: 1 }], 'jwks'],
    ['a name twice', [one, one], 'two issuers are named "lab"'],
    ['the name of our own users', [{ ...one, name: 'local' }], 'taken by the launcher'],
    ['a missing audience', [{ ...one, audience: undefined }], '0.audience'],
    ['an address that is none', [{ ...one, jwksUrl: 'file:///etc/passwd' }], '0.jwksUrl'],
  ])('%s is refused', (_, list, words) => {
    expect(problems(withFile(JSON.stringify(list)))).toEqual([expect.stringContaining(words)])
  })
})

describe('the table', () => {
  it('is complete: every row is parsed, and the documents have every row', () => {
    for (const row of settingsTable) {
      // A value that no kind accepts: a row that the parser forgot would let it pass.
      const parsed = problems([`--${row.flag}`, row.kind === 'file' || row.kind === 'folder' ? '/x' : '?'])
      if (row.kind !== 'file' && row.kind !== 'folder') expect(parsed[0]).toContain(`--${row.flag}: `)
      expect(helpText()).toContain(`--${row.flag} ${row.value}`)
      expect(settingsMarkdown()).toContain(envName(row.flag))
    }
  })
})
