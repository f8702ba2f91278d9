/** The harness as the tests of the flow use it: one dataset, people who sign in, and calls as their pages make them. */
import { SSMClient } from '@aws-sdk/client-ssm'
import { issueRouteCookie } from '../../functions/auth/tickets.ts'
import type { Session } from '../../functions/core/session.ts'
import { loadSecrets } from '../../functions/platform/aws/parameters.ts'
import { environmentNames } from '../../functions/platform/aws/settings.ts'
import { createSessionStore } from '../../functions/platform/dynamo/sessions.ts'
import { type ApiUser, byPassword, untilUsable } from '../support/api-user.ts'
import { password } from '../support/people-of-launcher.ts'
import { recordSecret } from '../support/suite-record.ts'
import { testSample } from '../support/tools.ts'
import { type Harness, type HarnessSettings, startHarness } from './start.ts'

export type Person = ApiUser & {
  ownerId: string
  /** As it is in the store now. */
  session(datasetId?: string): Promise<Session | null>
  /** A call of this person's page to its viewer, through CloudFront and the load balancer. */
  page(path: string, init?: RequestInit & { headers?: Record<string, string> }): Promise<Response>
}

export type AwsBed = Harness & {
  person(name: string): Promise<Person>
  /** Moves the clock a little and ticks, until it holds. */
  tickUntil(what: string, holds: () => boolean | Promise<boolean>): Promise<void>
  /** Ticks, and moves the clock past what a platform without a final stop must wait, until nothing is held any more. */
  untilNothingIsHeld(): Promise<void>
}

/** With `public/pbmc.h5ad` in its bucket, indexed. */
export async function startAwsBed(settings: HarnessSettings): Promise<AwsBed> {
  const harness = await startHarness(settings)
  try {
    const people = new Map<string, Promise<Person>>()
    const person = (name: string) => {
      const known = people.get(name) ?? meet(harness, name)
      people.set(name, known)
      return known
    }
    await harness.upload('public/pbmc.h5ad', testSample())
    await untilUsable(await person('ann'), 'pbmc')
    return {
      ...harness,
      person,
      tickUntil: (what, holds) => tickUntil(harness, what, holds),
      untilNothingIsHeld: () =>
        tickUntil(harness, 'everything to be given back', async () =>
          Object.values(await harness.held()).every((some) => some.length === 0),
        ),
    }
  } catch (error) {
    const said = harness.log().slice(-3000)
    await harness.stop()
    throw new Error(`${error instanceof Error ? error.stack : error}\n${said}`)
  }
}

async function meet(harness: Harness, name: string): Promise<Person> {
  const { account, appOrigin, viewOrigin } = harness
  recordSecret('password', password)
  await account.addUser(name, password)
  const user = await byPassword({ appUrl: appOrigin, signInUrl: '' }, name)
  const { json } = await user.call('/api/me')
  const ownerId = (json as { id: string }).id
  const sessions = createSessionStore(account.table)
  const session = (datasetId = 'pbmc') => sessions.get(ownerId, datasetId)
  return {
    ...user,
    ownerId,
    session,
    async page(path, init = {}) {
      const now = await session()
      if (!now?.routePath) throw new Error('no route')
      const ssm = new SSMClient({ endpoint: harness.edge.url, region: 'us-east-1', credentials })
      const { keys } = await loadSecrets(ssm, account.environment[environmentNames.parameters] ?? '')
      ssm.destroy()
      const claim = { ownerId, sessionId: now.id, datasetId: now.datasetId }
      const cookie = `cxod-route=${await issueRouteCookie(claim, { keys, clock: { now: () => Date.now() } })}`
      const headers = { cookie, 'x-cxod-owner': ownerId, 'x-cxod-dataset-version': now.datasetVersion, ...init.headers }
      return fetch(`${viewOrigin}${now.routePath}api/v0.2/${path}`, { ...init, headers })
    },
  }
}
const credentials = { accessKeyId: 'person', secretAccessKey: 'test' }

async function tickUntil(
  { tick, advance, events, log }: Harness,
  what: string,
  holds: () => boolean | Promise<boolean>,
): Promise<void> {
  for (let left = 60; left > 0; left -= 1) {
    await events.settled()
    if (await holds()) return
    advance(15_000)
    await tick()
  }
  throw new Error(`ticked in vain for ${what}; log: ${log().slice(-3000)}`)
}
