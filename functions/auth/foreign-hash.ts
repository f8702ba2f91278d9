/** Password hashes that come from an htpasswd file: which can be checked here, at what cost, and the check. */
import { createHash, timingSafeEqual } from 'node:crypto'
import aprMd5 from 'apache-md5'
import bcrypt from 'bcryptjs'
import { parseShaCrypt, shaCrypt } from './sha-crypt.ts'

/** Doublings of work; 15 takes seconds. One more than anybody's htpasswd makes, and a file could name 31: weeks. */
const highestBcryptCost = 15
/** 20 times the default of 5,000; a file could name 999,999,999: hours. */
const mostShaRounds = 100_000
/** As browsers and htpasswd cut it off; SHA-crypt's work grows with the length. */
const longestPassword = 256

export type ForeignHash = { kind: string } | { refused: string }

/** What kind of hash it is, or, in words for the administrator, why it can't be taken. Never shows the hash. */
export function readForeignHash(hash: string): ForeignHash {
  const bcryptCost = /^\$2[aby]\$(\d\d)\$[./0-9A-Za-z]{53}$/.exec(hash)?.[1]
  if (bcryptCost !== undefined) {
    const cost = Number(bcryptCost)
    if (cost < 4 || cost > highestBcryptCost)
      return { refused: `bcrypt of cost ${cost}, and only 4 to ${highestBcryptCost} can be checked in bearable time` }
    return { kind: 'bcrypt' }
  }
  const sha = parseShaCrypt(hash)
  if (sha !== null) {
    if (sha.rounds > mostShaRounds)
      return { refused: `SHA-crypt of ${sha.rounds} rounds, and at most ${mostShaRounds} are checked in bearable time` }
    return { kind: `SHA-${sha.sha} crypt` }
  }
  const md5 = /^\$(apr1|1)\$[./0-9A-Za-z]{1,8}\$[./0-9A-Za-z]{22}$/.exec(hash)?.[1]
  if (md5 !== undefined) return { kind: md5 === '1' ? 'MD5 crypt' : 'apr1' }
  if (/^\{SHA\}/i.test(hash)) return shaOf(hash) ? { kind: 'SHA' } : { refused: 'a SHA hash that is cut off' }
  if (/^\{SSHA\}/i.test(hash)) return shaOf(hash) ? { kind: 'salted SHA' } : { refused: 'a SHA hash that is cut off' }
  if (/^[./0-9A-Za-z]{13}$/.test(hash))
    return { refused: 'plain DES crypt (or plain text), which anybody can break and which looks at 8 characters only' }
  return { refused: 'plain text, or a kind of hash that is not known here' }
}

/** One after the other: these are checked in this process, and a crowd of them must not keep everybody else waiting. */
let turn: Promise<unknown> = Promise.resolve()

/** False for whatever `readForeignHash` would not have taken. */
export function verifyForeign(hash: string, password: string): Promise<boolean> {
  const checked = turn.then(() => check(hash, password.slice(0, longestPassword)))
  turn = checked.catch(() => undefined)
  return checked
}

async function check(hash: string, password: string): Promise<boolean> {
  if ('refused' in readForeignHash(hash)) return false
  if (hash.startsWith('$2')) return bcrypt.compare(password, hash)
  const sha = parseShaCrypt(hash)
  if (sha !== null) return same(await shaCrypt(password, sha), sha.digest)
  const plain = shaOf(hash)
  if (plain !== null)
    return same(createHash('sha1').update(password).update(plain.salt).digest('hex'), plain.digest.toString('hex'))
  // It works on characters as if they were bytes.
  const bytes = Buffer.from(password).toString('latin1')
  return bytes !== '' && same(aprMd5(bytes, hash), hash)
}

/** `{SHA}` and `{SSHA}`: base64 of a SHA-1, with the salt behind it. */
function shaOf(hash: string): { digest: Buffer; salt: Buffer } | null {
  const [, salted, base64 = ''] = /^\{(S?)SHA\}([A-Za-z0-9+/]+={0,2})$/i.exec(hash) ?? []
  const bytes = Buffer.from(base64, 'base64')
  if (salted === undefined || (salted === '' ? bytes.length !== 20 : bytes.length <= 20)) return null
  return { digest: bytes.subarray(0, 20), salt: bytes.subarray(20) }
}

function same(a: string, b: string): boolean {
  const [left, right] = [Buffer.from(a), Buffer.from(b)]
  return left.length === right.length && timingSafeEqual(left, right)
}
