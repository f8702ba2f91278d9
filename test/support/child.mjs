// A child process that writes what happens to it into a file: stands in for gate and viewer where only their life matters.
// argv: file, name, [exit code at once | 'stubborn' | 'survived': by processes that go on writing into the task's folder for
// a second]; the runner's own arguments follow and are ignored otherwise.
import { spawn } from 'node:child_process'
import { appendFileSync } from 'node:fs'
import { dirname } from 'node:path'

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
if (mode === 'survived') {
  const folder = dirname(process.argv[process.argv.indexOf('--task-socket') + 1] ?? '')
  const writing = `const { writeFileSync } = require('node:fs')
    let until = Infinity
    for (let n = 0; Date.now() < until; n++) {
      try { process.kill(${process.pid}, 0) } catch { until = Math.min(until, Date.now() + 700) }
      try { writeFileSync(String(n % 50), '') } catch { break }
    }`
  for (let several = 0; several < 3; several++)
    spawn(process.execPath, ['-e', writing], { cwd: folder, detached: true, stdio: 'ignore' }).unref()
}
say('up')
if (/^\d+$/.test(mode ?? '')) setTimeout(() => process.exit(Number(mode)), 100)
setInterval(() => {}, 1000)
