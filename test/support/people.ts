/** People for tests: records, principals, and a whole `Auth` on a real store with a clock that the test moves. */
import type { AuthDeps } from '../../functions/auth/auth.ts'
import { createAuth } from '../../functions/auth/auth.ts'
import { loadKeys, newSigningJwk } from '../../functions/auth/keys.ts'
import type { Clock, UserRecord } from '../../functions/core/ports.ts'
import type { User } from '../../functions/core/principal.ts'
import { createLinkStore } from '../../functions/platform/dynamo/links.ts'
import { createLoginStore } from '../../functions/platform/dynamo/logins.ts'
import { createOnceStore } from '../../functions/platform/dynamo/once.ts'
import type { Table } from '../../functions/platform/dynamo/table.ts'
import { createUserStore } from '../../functions/platform/dynamo/users.ts'

export function aUser(over: Partial<UserRecord> = {}): UserRecord {
  return {
    name: 'ada',
    email: null,
    groups: [],
    admin: false,
    disabled: false,
    passwordHash: '$argon2id$none',
    generation: 0,
    createdAt: 1_700_000_000_000,
    ...over,
  }
}

export function aPrincipal(over: Partial<User> = {}): User {
  const name = over.name ?? 'ada'
  return { kind: 'user', id: `local:${name}`, name, email: null, groups: [], admin: false, loginId: 'login', ...over }
}

export type TestClock = Clock & { at: number }

export function testClock(at = 1_800_000_000_000): TestClock {
  const clock = { at, now: () => clock.at }
  return clock
}

export const appOrigin = 'http://localhost:8080'
export const viewOrigin = 'http://127.0.0.1:8081'

export async function testAuth(table: Table, clock: Clock, over: Partial<AuthDeps> = {}) {
  const users = createUserStore(table)
  const deps: AuthDeps = {
    users,
    logins: createLoginStore(table),
    once: createOnceStore(table),
    links: createLinkStore(table),
    clock,
    log: () => undefined,
    keys: await loadKeys(await newSigningJwk()),
    limits: { lifetimeMs: 12 * 3_600_000, startCapMs: 2_700_000 },
    appOrigin,
    ...over,
  }
  return { ...deps, users, auth: createAuth(deps) }
}
