/** Tokens with one thing wrong, and with nothing wrong: so that a refusal can only be for what was changed. */
import { createHmac } from 'node:crypto'
import { exportJWK, exportSPKI, type JWTPayload, SignJWT } from 'jose'
import { type Keys, loadKeys, newSigningJwk } from '../../functions/auth/keys.ts'

export type Token = { header: Record<string, unknown>; claims: JWTPayload }

export async function sign({ header, claims }: Token, keys: Keys): Promise<string> {
  return new SignJWT(claims).setProtectedHeader({ alg: 'EdDSA', ...header }).sign(keys.privateKey)
}

const base64 = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
const now = () => Math.floor(Date.now() / 1000)

/** What is wrong with a token, whichever kind it is. */
export const flaws: readonly { name: string; does: string; make(token: Token, keys: Keys): Promise<string> }[] = [
  {
    name: 'expired',
    does: 'keeps it until it is over',
    make: ({ header, claims }, keys) =>
      sign({ header, claims: { ...claims, iat: now() - 90_000, exp: now() - 10 } }, keys),
  },
  {
    name: 'without an end',
    does: 'leaves `exp` out',
    make: ({ header, claims: { exp: _, ...claims } }, keys) => sign({ header, claims }, keys),
  },
  {
    name: 'of another key',
    does: 'signs it with a key of their own',
    make: async (token) => sign(token, await loadKeys(await newSigningJwk())),
  },
  {
    name: 'with a key of its own in it',
    does: 'signs with their own key and brings it along (`jwk`, `jku`, `kid`)',
    make: async ({ header, claims }) => {
      const own = await loadKeys(await newSigningJwk())
      const jwk = await exportJWK(own.publicKey)
      const jku = 'http://127.0.0.1:9/keys.json'
      return sign({ header: { ...header, jwk, jku, kid: '../../../../../dev/null' }, claims }, own)
    },
  },
  {
    name: 'with alg none',
    does: 'takes the signature off',
    make: async ({ header, claims }) => `${base64({ ...header, alg: 'none' })}.${base64(claims)}.`,
  },
  {
    name: 'as HS256 of the public key',
    does: 'signs by HMAC, with the public key as the secret (RFC 8725, 2.1)',
    make: async ({ header, claims }, keys) => {
      const signed = `${base64({ ...header, alg: 'HS256' })}.${base64(claims)}`
      return `${signed}.${createHmac('sha256', await exportSPKI(keys.publicKey))
        .update(signed)
        .digest('base64url')}`
    },
  },
  {
    name: 'as HS256 of the raw public key',
    does: 'the same with the 32 bytes of the key',
    make: async ({ header, claims }, keys) => {
      const signed = `${base64({ ...header, alg: 'HS256' })}.${base64(claims)}`
      const secret = Buffer.from(keys.publicJwk.x ?? '', 'base64url')
      return `${signed}.${createHmac('sha256', secret).update(signed).digest('base64url')}`
    },
  },
  {
    name: 'without an audience',
    does: 'leaves `aud` out',
    make: ({ header, claims: { aud: _, ...claims } }, keys) => sign({ header, claims }, keys),
  },
  {
    name: 'for another audience',
    does: 'takes one that was made for somebody else',
    make: ({ header, claims }, keys) => sign({ header, claims: { ...claims, aud: 'https://other.example' } }, keys),
  },
  {
    name: 'with its content changed',
    does: 'keeps the signature and writes another name under it',
    make: async (token, keys) => {
      const [header, , signature] = (await sign(token, keys)).split('.')
      return `${header}.${base64({ ...token.claims, sub: 'local:admin' })}.${signature}`
    },
  },
  {
    name: 'with its signature cut',
    does: 'drops the last letters',
    make: async (token, keys) => (await sign(token, keys)).slice(0, -4),
  },
]
