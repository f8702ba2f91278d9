/** What must be true of both Dockerfiles, found by reading them: each rule says what breaks when it does not hold. */

export type Dockerfile = { name: string; text: string }

/** Instructions, without comments, with continued lines joined. */
function instructions(text: string): { word: string; rest: string }[] {
  const lines = text
    .split('\n')
    .filter((line) => !/^\s*#/.test(line))
    .join('\n')
    .replace(/\\\n\s*/g, '')
    .split('\n')
  return lines.flatMap((line) => {
    const [, word = '', rest = ''] = /^([A-Z]+)\s+(.*)$/.exec(line.trim()) ?? []
    return word === '' ? [] : [{ word, rest }]
  })
}

/** Files of the build context that an image is made of. */
export function copied(text: string): string[] {
  return instructions(text).flatMap(({ word, rest }) => {
    if (word !== 'COPY' || rest.includes('--from=')) return []
    return rest.split(/\s+/).slice(0, -1)
  })
}

/** The list of an exec form, of the last stage. */
export function listOf(text: string, word: string): string[] {
  const rest = instructions(text).findLast((line) => line.word === word)?.rest ?? '[]'
  return JSON.parse(rest) as string[]
}

export function brokenRules({ text }: Dockerfile): string[] {
  const all = instructions(text)
  const broken: string[] = []
  const rule = (holds: boolean, words: string) => {
    if (!holds) broken.push(words)
  }
  const bases = all.filter(({ word }) => word === 'FROM').map(({ rest }) => rest.split(/\s+/)[0] ?? '')
  const last = all.slice(all.findLastIndex(({ word }) => word === 'FROM'))
  const has = (word: string, pattern: RegExp) => last.some((line) => line.word === word && pattern.test(line.rest))
  const defaults = new Map(
    all.filter(({ word }) => word === 'ARG').map(({ rest }) => rest.split('=', 2) as [string, string | undefined]),
  )

  rule(bases.length >= 2, 'build and run in one stage: what built it would be left inside')
  rule(
    bases.at(-1) === 'scratch',
    'the last stage begins with something: its shell and package manager are left inside',
  )
  for (const base of bases.slice(0, -1)) {
    const name = /^\$\{(\w+)\}$/.exec(base)?.[1]
    const image = name === undefined ? base : (defaults.get(name) ?? '')
    rule(name !== undefined, `${base} is no argument: a test can't put a stand-in there`)
    rule(/:\d+\.\d+\.\d+-[\w.-]+(@sha256:[0-9a-f]{64})?$/.test(image), `${image} is not pinned to one version`)
  }
  rule(!all.some(({ word }) => word === 'ADD'), 'ADD fetches addresses and unpacks archives')
  const runs = all.filter(({ word }) => word === 'RUN').map(({ rest }) => rest)
  rule(!runs.some((run) => /\b(curl|wget|apt-get|apk|git)\b/.test(run)), 'fetches something that nothing pins')
  rule(!runs.some((run) => /pip install/.test(run) && !/--require-hashes/.test(run)), 'pip without hashes')
  rule(
    has('USER', /^10001:10001$/),
    'runs as root, or as another user than its neighbour, who could not read its files',
  )
  rule(!last.some(({ word }) => word === 'RUN'), 'the last stage runs something: there is nothing there to run it')
  rule(has('ENTRYPOINT', /^\[".*"\]$/), 'no exec form: a shell would take the signals')
  rule(has('VOLUME', /"\/task".*"\/tmp"/), 'the volumes would belong to root')
  for (const label of ['title', 'source', 'licenses'])
    rule(has('LABEL', new RegExp(`org\\.opencontainers\\.image\\.${label}=`)), `no label ${label}`)
  return broken
}
