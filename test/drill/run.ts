/** `npm run drill [-- --minutes N --seed N --rounds N --only NAME --json FILE]`: kills, full disks and jumping clocks, for real. */
import { writeFileSync } from 'node:fs'
import { SetupError, say } from '../../functions/setup/words.mjs'
import { ensureTools } from '../run/tools.ts'
import { drill, sceneNames, tableOf } from './drill.ts'

const help = `npm run drill -- [settings]

  --minutes N   how long three people work under random kills (default: 30)
  --rounds N    how often each kill at a step is repeated (default: 3)
  --seed N      of the random kills (default: from the clock; printed)
  --only NAME   one scene; may be given several times: ${sceneNames.join(', ')}
  --json FILE   the table as JSON, too

Exits with 1 when anything was lost, left running, stuck or said wrong.
`

function settings(words: readonly string[]) {
  const given = {
    minutes: 30,
    rounds: 3,
    seed: Date.now() % 1_000_000,
    only: [] as string[],
    json: null as string | null,
  }
  for (let at = 0; at < words.length; at += 2) {
    const [flag = '', value = ''] = words.slice(at, at + 2)
    const number = Number(value)
    if (flag === '--json' && value) given.json = value
    else if (flag === '--only' && sceneNames.includes(value)) given.only.push(value)
    else if (['--minutes', '--rounds', '--seed'].includes(flag) && value !== '' && number >= 0)
      Object.assign(given, { [flag.slice(2)]: number })
    else throw new SetupError(`${flag} ${value} can't be used.\n\n${help}`)
  }
  return given
}

if (process.argv.includes('--help') || process.argv.includes('-h')) process.stdout.write(help)
else {
  const { json, ...options } = settings(process.argv.slice(2))
  Object.assign(process.env, await ensureTools())
  say(`seed ${options.seed}`)
  const verdicts = await drill({ ...options, say })
  process.stdout.write(`\n${tableOf(verdicts)}\n`)
  if (json !== null) writeFileSync(json, `${JSON.stringify({ seed: options.seed, verdicts }, null, 2)}\n`)
  process.exitCode = verdicts.some(({ verdict }) => verdict === 'FAILED') ? 1 : 0
}
