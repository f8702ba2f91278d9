// Progress and failures of the set-up, in words for the person at the terminal.

/** A failure that a person can do something about; printed as it is, without a stack trace. */
export class SetupError extends Error {
  /** @override */
  name = 'SetupError'
}

/** Standard error, so that standard output has the sign-in link and nothing else. */
export function say(/** @type {string} */ line) {
  process.stderr.write(`${line}\n`)
}

/** A line that the next one overwrites; where nobody watches (a log file, CI) it is left out. */
export function sayBriefly(/** @type {string} */ line) {
  if (!process.stderr.isTTY) return
  const width = (process.stderr.columns ?? 80) - 1
  process.stderr.write(`\r\u001b[K${line.slice(0, width)}`)
}

/** Ends the line that `sayBriefly` keeps overwriting. */
export function sayNothing() {
  if (process.stderr.isTTY) process.stderr.write('\r\u001b[K')
}
