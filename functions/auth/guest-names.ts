/** What guests call themselves, and the short key that is made of it. */
import { createHash } from 'node:crypto'
import { LauncherError } from '../core/errors.ts'

const longestGuestName = 60

/** The name as it is shown. Throws `bad-request` for one that can't be. */
export function guestName(text: string): string {
  const name = text.normalize('NFC').replace(/\s+/g, ' ').trim()
  // Control and format characters: invisible, or they turn the text around them.
  if (name === '' || [...name].length > longestGuestName || /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}]/u.test(name))
    throw new LauncherError(
      'bad-request',
      `Give a name of 1 to ${longestGuestName} characters: others see it beside your labels.`,
    )
  return name
}

/** Names for a link that names its guests, as they are shown. Throws `bad-request`, for two that would be one guest too. */
export function guestNames(texts: readonly string[]): string[] {
  const names = texts.map(guestName)
  const twice = names.find((name, at) => names.findIndex((other) => guestKeyOf(other) === guestKeyOf(name)) < at)
  if (twice !== undefined)
    throw new LauncherError(
      'bad-request',
      `“${twice}” stands there twice (capitals don’t count). Tell the two apart, as by their family names.`,
    )
  return names
}

/**
 * [a-z0-9-]: what can be read of the name, and a hash of all of it, so that two names never meet and names in any
 * script work. Case and blanks make no other person.
 */
export function guestKeyOf(name: string): string {
  const same = name.normalize('NFC').replace(/\s+/g, ' ').trim().toLowerCase()
  const readable = same
    .normalize('NFKD')
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 30)
  const hash = createHash('sha256').update(same).digest('hex').slice(0, 12)
  return readable === '' ? hash : `${readable}-${hash}`
}
