/** The launcher's own key pair (Ed25519): signs gate tokens, API tokens, tickets and cookies, told apart by their audience. */
import { hkdfSync } from 'node:crypto'
import { type CryptoKey, calculateJwkThumbprint, exportJWK, generateKeyPair, importJWK, type JWK } from 'jose'
import { LauncherError } from '../core/errors.ts'

export type Keys = {
  /** RFC 7638 thumbprint of the public key. */
  kid: string
  privateKey: CryptoKey
  publicKey: CryptoKey
  /** Public part, with kid, alg and use: what `/.well-known/jwks.json` shows and gates are given. */
  publicJwk: JWK
  /**
   * A key for another purpose, the same over restarts (RFC 5869, HKDF-SHA-256, 32 bytes): the signing key itself must
   * never be used for anything but signatures.
   */
  derive(purpose: string): Buffer
}

/** The only algorithm the launcher signs with, and the only one it accepts from itself. */
export const signingAlgorithm = 'EdDSA'

/** A new private key to keep; see `loadKeys`. */
export async function newSigningJwk(): Promise<JWK> {
  const { privateKey } = await generateKeyPair(signingAlgorithm, { crv: 'Ed25519', extractable: true })
  return exportJWK(privateKey)
}

/** A kept private key as text; null when it is none. The parser's own words would quote the key. */
export function parseSigningJwk(text: string): JWK | null {
  try {
    const jwk: unknown = JSON.parse(text)
    return typeof jwk === 'object' && jwk !== null ? (jwk as JWK) : null
  } catch {
    return null
  }
}

/** Throws `bad-setting` when `privateJwk` is no Ed25519 private key. */
export async function loadKeys(privateJwk: JWK): Promise<Keys> {
  const { kty, crv, x, d } = privateJwk
  if (kty !== 'OKP' || crv !== 'Ed25519' || typeof x !== 'string' || typeof d !== 'string')
    throw new LauncherError('bad-setting', 'The signing key is not an Ed25519 private key in JWK form.')
  const publicPart: JWK = { kty, crv, x }
  const kid = await calculateJwkThumbprint(publicPart)
  const publicJwk: JWK = { ...publicPart, kid, alg: signingAlgorithm, use: 'sig' }
  const derive = (purpose: string) =>
    Buffer.from(hkdfSync('sha256', Buffer.from(d, 'base64url'), '', `cellxgene-on-demand ${purpose}`, 32))
  return {
    kid,
    publicJwk,
    derive,
    privateKey: await importKey({ ...publicPart, d }),
    publicKey: await importKey(publicPart),
  }
}

async function importKey(jwk: JWK): Promise<CryptoKey> {
  try {
    const key = await importJWK(jwk, signingAlgorithm)
    if (!(key instanceof Uint8Array)) return key
  } catch (cause) {
    throw new LauncherError(
      'bad-setting',
      'The signing key can’t be read; its numbers do not fit together.',
      {},
      { cause },
    )
  }
  throw new LauncherError('bad-setting', 'The signing key is a shared secret; an Ed25519 key pair is needed.')
}
