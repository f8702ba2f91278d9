/** A child process that writes sessions through the embedded store and says each one that was acknowledged, until it is killed. */
import { createSessionStore } from '../../../functions/platform/dynamo/sessions.ts'
import { openStore } from '../../../functions/platform/local/store.ts'
import { aSession } from '../../support/sessions.ts'

const [dir = '', round = ''] = process.argv.slice(2)
const sessions = createSessionStore((await openStore(dir)).table)
for (let n = 0; ; n++) {
  const ownerId = `local:${round}-${n}`
  const { session } = await sessions.claim(aSession({ ownerId, id: `${round}-${n}` }))
  const ready = await sessions.advance(session, { ...session, state: 'ready', dueAt: session.dueAt + n })
  if (ready) process.stdout.write(`${JSON.stringify([ownerId, ready.version])}\n`)
}
