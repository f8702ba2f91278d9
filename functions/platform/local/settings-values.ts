/** How single values of settings are read from text. */

export type Parsed<T> = { value: T } | { problem: string }

const units = { s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** `30s`, `20m`, `2h`, `1d` → ms. A bare number is refused: nobody knows whether it means seconds or minutes. */
export function parseDuration(text: string): Parsed<number> {
  const [, number, unit] = /^(\d+(?:\.\d+)?)(s|m|h|d)$/.exec(text) ?? []
  const value = Number(number) * units[(unit ?? 's') as keyof typeof units]
  if (number === undefined || !(value >= 1_000))
    return { problem: `"${text}" is not a duration such as 30s, 20m or 2h.` }
  return { value: Math.round(value) }
}

export function parsePort(text: string): Parsed<number> {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && value <= 65_535) return { value }
  return { problem: `"${text}" is not a port (1 to 65535).` }
}

export function parseCount(text: string): Parsed<number> {
  const value = Number(text)
  if (/^\d+$/.test(text) && value >= 1 && Number.isSafeInteger(value)) return { value }
  return { problem: `"${text}" is not a whole number of at least 1.` }
}

/** `12GB`, `800MB` → MiB. A bare number is refused, as for durations. */
export function parseMemory(text: string): Parsed<number> {
  const [, number, unit = ''] = /^(\d+(?:\.\d+)?) ?([MG])i?B?$/i.exec(text) ?? []
  const value = Math.round(Number(number) * (unit.toUpperCase() === 'G' ? 1024 : 1))
  if (number === undefined || !(value >= 1))
    return { problem: `"${text}" is not an amount of memory such as 12GB or 800MB.` }
  return { value }
}

export function parseChoice<T extends string>(text: string, choices: readonly T[]): Parsed<T> {
  const value = choices.find((choice) => choice === text)
  return value === undefined ? { problem: `"${text}" is none of ${choices.join(', ')}.` } : { value }
}

export function parseHost(text: string): Parsed<string> {
  if (/^[A-Za-z0-9.:-]+$/.test(text)) return { value: text }
  return { problem: `"${text}" is not an address to listen on, such as 127.0.0.1 or 0.0.0.0.` }
}

/** An address as browsers see it → its origin, without a slash at the end. */
export function parseOrigin(text: string): Parsed<string> {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || (url.protocol !== 'http:' && url.protocol !== 'https:'))
    return { problem: `"${text}" is not an address such as https://cellxgene.example.org.` }
  if (url.pathname !== '/' || url.search !== '' || url.hash !== '' || url.username !== '')
    return { problem: `"${text}" must be scheme, host and port only: the launcher can't live below a path.` }
  return { value: url.origin }
}

/** The known name that the typed one probably meant, or null. */
export function closest(typed: string, known: readonly string[]): string | null {
  const ranked = known
    .map((name) => ({ name, steps: name.startsWith(typed) && typed.length > 2 ? 1 : distance(typed, name) }))
    .sort((a, b) => a.steps - b.steps)
  const best = ranked[0]
  return best !== undefined && best.steps <= Math.max(2, Math.floor(typed.length / 3)) ? best.name : null
}

/** Levenshtein distance: single-character edits from `a` to `b`. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (const [i, left] of [...a].entries()) {
    const next = [i + 1]
    for (const [j, right] of [...b].entries())
      next.push(Math.min((row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1, (row[j] ?? 0) + (left === right ? 0 : 1)))
    row = next
  }
  return row[b.length] ?? 0
}
