/** One line of the table of attacks, and what every line must show: the attack is refused, and the same done rightly is not. */
import type { Reply } from './http.ts'
import type { World } from './world.ts'

export type Row = {
  name: string
  /** What the attacker does. */
  does: string
  /** @returns what happened, in a few words; throws when the attack went through */
  attack(world: World): Promise<string>
  /** The same with everything right; throws when that is refused, for then the attack failed for another reason. */
  twin(world: World): Promise<void>
}

/** Throws unless the answer has one of these statuses and nothing private in it. */
export function refused(reply: Reply, ...statuses: readonly number[]): string {
  if (!statuses.includes(reply.status)) throw new Error(`went through: ${reply.status} ${reply.text.slice(0, 300)}`)
  if (reply.text.includes('marker-of-private-content')) throw new Error('refused, but with private content')
  const code = /"code":"([a-z-]+)"/.exec(reply.text)?.[1]
  return code === undefined ? String(reply.status) : `${reply.status} ${code}`
}

export function allowed(reply: Reply, status = 200): void {
  if (reply.status !== status)
    throw new Error(`the right way is refused too: ${reply.status} ${reply.text.slice(0, 300)}`)
}
