// A child process that writes what happens to it into a file: stands in for gate and viewer where only their life matters.
// argv: file, name, [exit code at once | 'stubborn'] ; the runner's own arguments follow and are ignored.
import { appendFileSync } from 'node:fs'

const [, , file = '', name, mode] = process.argv
const say = (/** @type {string} */ word) => appendFileSync(file, `${name} ${word}\n`)
let told = false
process.on('SIGTERM', () => {
  // Told again after a second, as whoever is slow is.
  if (told) return
  told = true
  say('told')
  if (mode !== 'stubborn') setTimeout(() => process.exit(0), 100)
})
process.on('exit', () => say('left'))
say('up')
if (/^\d+$/.test(mode ?? '')) setTimeout(() => process.exit(Number(mode)), 100)
setInterval(() => {}, 1000)
