/** Session ids, the same on every platform. */
import { randomBytes } from 'node:crypto'

/** 20 characters of [a-z2-7]: 100 random bits. */
export function newSessionId(): string {
  const alphabet = 'abcdefghijklmnopqrstuvwxyz234567'
  return [...randomBytes(20)].map((byte) => alphabet[byte % 32]).join('')
}
