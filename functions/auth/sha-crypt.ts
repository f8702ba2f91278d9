/**
 * SHA-crypt (`$5$`, `$6$`) as Ulrich Drepper specified it (akkadia.org/drepper/SHA-crypt.txt), on node's own hashes. The
 * package that there is for it (unixcrypt 3.0.4) refuses right passwords whose length is a multiple of the digest's.
 */
import { createHash } from 'node:crypto'
import { setImmediate as nextTurn } from 'node:timers/promises'

export type ShaCrypt = { sha: 256 | 512; rounds: number; salt: string; digest: string }

const alphabet = './0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
/** Of a millisecond or so: between two of these other requests get their turn. */
const roundsAtOnce = 500

/** Null for anything that is no hash of this kind. */
export function parseShaCrypt(text: string): ShaCrypt | null {
  const parts = /^\$([56])\$(?:rounds=(\d{1,9})\$)?([^$\n:]{0,16})\$([./0-9A-Za-z]+)$/.exec(text)
  if (parts === null) return null
  const [, id, rounds, salt = '', digest = ''] = parts
  const sha = id === '5' ? 256 : 512
  if (digest.length !== (sha === 256 ? 43 : 86)) return null
  // The specification's own bounds: fewer rounds than 1,000 count as 1,000.
  return { sha, rounds: rounds === undefined ? 5000 : Math.max(1000, Number(rounds)), salt, digest }
}

/** The digest of `password` under salt and rounds of `given`, in the form that `given.digest` has. */
export async function shaCrypt(password: string, given: Omit<ShaCrypt, 'digest'>): Promise<string> {
  const size = given.sha / 8
  const hash = (...pieces: Buffer[]) => {
    const one = createHash(`sha${given.sha}`)
    for (const piece of pieces) one.update(piece)
    return one.digest()
  }
  const stretch = (of: Buffer, length: number) => Buffer.alloc(length, of)
  const key = Buffer.from(password)
  const salt = Buffer.from(given.salt)

  const alternate = hash(key, salt, key)
  const first = [key, salt, stretch(alternate, key.length)]
  for (let bits = key.length; bits > 0; bits >>= 1) first.push(bits & 1 ? alternate : key)
  let digest = hash(...first)
  const p = stretch(hash(...Array<Buffer>(key.length).fill(key)), key.length)
  const s = stretch(hash(...Array<Buffer>(16 + (digest[0] ?? 0)).fill(salt)), salt.length)
  for (let round = 0; round < given.rounds; round++) {
    const pieces = [round & 1 ? p : digest]
    if (round % 3) pieces.push(s)
    if (round % 7) pieces.push(p)
    pieces.push(round & 1 ? digest : p)
    digest = hash(...pieces)
    if (round % roundsAtOnce === roundsAtOnce - 1) await nextTurn()
  }
  return encode(digest, size)
}

/** Three bytes, in an order that turns with every group, become four characters, the lowest six bits first. */
function encode(digest: Buffer, size: number): string {
  const byte = (at: number) => digest[at] ?? 0
  let text = ''
  const put = (value: number, characters: number) => {
    for (let at = 0; at < characters; at++) text += alphabet[(value >> (6 * at)) & 63]
  }
  const third = Math.floor(size / 3)
  let [a, b, c] = [0, third, 2 * third]
  for (let group = 0; group < third; group++) {
    put((byte(a) << 16) | (byte(b) << 8) | byte(c), 4)
    ;[a, b, c] = size === 32 ? [c + 1, a + 1, b + 1] : [b + 1, c + 1, a + 1]
  }
  if (size === 32) put((byte(31) << 8) | byte(30), 3)
  else put(byte(63), 2)
  return text
}
