/** The last line of defence of a log: an unexpected error's words may quote what was being worked on. */

const shapes: readonly [RegExp, string][] = [
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, '(token)'],
  [/\b(Bearer) [\w~+/.-]{8,}=*/gi, '$1 (token)'],
  [/\b((?:__Host-)?cxod-[a-z]+=)[^\s";]+/g, '$1(cookie)'],
  [/\b(password|secret|ticket|token)=[^\s"&]+/gi, '$1=(left out)'],
  [/\$argon2[^\s"]+/g, '(password hash)'],
  [/(\/[\w~%.\-/]*)\?[\w%.\-:]+=[^\s"']*/g, '$1?(query)'],
]

/** @returns the text without what has the shape of a token, cookie, password or query string */
export function withoutSecrets(text: string): string {
  return shapes.reduce((rest, [shape, instead]) => rest.replace(shape, instead), text)
}
