/** Opaque secrets: how they are made, and the one-way form in which they may be kept. */
import { createHash, randomBytes } from 'node:crypto'

/** 256 bits from the system's generator, in base64url: fit for a cookie, a URL or a form. */
export function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

/**
 * What is stored instead of the secret, so that a copy of the database opens nothing. A plain hash is enough: 256 random
 * bits can't be guessed, unlike a password.
 */
export function hashSecret(secret: string): string {
  return createHash('sha256').update(secret).digest('base64url')
}
