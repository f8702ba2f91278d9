/** Names of users and groups: which may be given, and what a typed one means. */
import { publicGroup } from '../core/dataset.ts'
import { LauncherError } from '../core/errors.ts'
import type { UserRecord } from '../core/ports.ts'
import type { User } from '../core/principal.ts'

/** Issuer name of the launcher's own users: owner ids read `local:<name>`. No configured issuer may take it. */
export const localIssuer = 'local'

/** The user that the one-time admin link signs in. */
export const adminName = 'admin'

const namePattern = /^[a-z0-9][a-z0-9._@-]{0,63}$/
const groupPattern = /^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/

/** What was typed at sign-in as it is kept: case and surrounding blanks make no other person. */
export const typedName = (text: string): string => text.trim().toLowerCase()

/** Throws `bad-request` for a name that can't be given. */
export function checkUserName(name: string): string {
  if (namePattern.test(name)) return name
  throw new LauncherError(
    'bad-request',
    `The name “${name.slice(0, 80)}” can't be used: up to 64 of a-z, 0-9, . _ @ and -, beginning with a letter or digit.`,
  )
}

/** Groups as typed, `a,b`; throws `bad-request` for one that no folder could have. */
export function parseGroups(text: string): string[] {
  const groups = [
    ...new Set(
      text
        .split(',')
        .map((group) => group.trim())
        .filter((group) => group !== ''),
    ),
  ]
  const wrong = groups.find((group) => !groupPattern.test(group))
  if (wrong !== undefined)
    throw new LauncherError(
      'bad-request',
      `The group “${wrong.slice(0, 80)}” can't be used: a group is the name of a folder of data, up to 64 of A-Z, a-z, 0-9, . _ and -.`,
    )
  return groups.filter((group) => group !== publicGroup)
}

export const localUserId = (name: string): string => `${localIssuer}:${name}`

/** The principal behind a user's record; the same whether a cookie or a bearer token named it. */
export function userPrincipal(user: UserRecord, loginId: string | null): User {
  return {
    kind: 'user',
    id: localUserId(user.name),
    name: user.name,
    email: user.email,
    groups: user.groups,
    admin: user.admin,
    loginId,
  }
}
