/** Somebody else with a shell on the machine. How deep this goes is shown by test/flow/other-user.test.ts, on a launcher of its own. */
import { spawnSync } from 'node:child_process'
import { chmodSync, lstatSync, readdirSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Row } from './row.ts'
import type { World } from './world.ts'

const nobody = 65534

/** Reads files and connects to sockets, and says which it could. */
const program = `
const fs = require('node:fs'), net = require('node:net')
const reached = []
const paths = JSON.parse(process.argv[1])
const tries = paths.map((path) => new Promise((done) => {
  try { fs.readFileSync(path); reached.push(path); return done() } catch {}
  const socket = net.connect(path, () => { reached.push(path); socket.destroy(); done() })
  socket.on('error', () => done())
}))
Promise.all(tries).then(() => console.log(JSON.stringify(reached)))
`

function reach(paths: readonly string[], uid?: number): string[] {
  const { stdout, stderr } = spawnSync(process.execPath, ['-e', program, JSON.stringify(paths)], {
    encoding: 'utf8',
    cwd: '/',
    ...(uid === undefined ? {} : { uid, gid: uid }),
  })
  if (stdout === '') throw new Error(`could not be tried: ${stderr.slice(0, 300)}`)
  return JSON.parse(stdout) as string[]
}

/** Everything that a launcher's own user could read or connect to. */
function everything({ bed }: World): string[] {
  const walk = (dir: string): string[] =>
    readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
      const path = join(dir, entry.name)
      return entry.isDirectory() ? walk(path) : entry.isFile() || entry.isSocket() ? [path] : []
    })
  return walk(bed.stateDir)
}

export const machineRows: readonly Row[] = [
  {
    name: 'another shell user reaches for store, viewers, gates, vault and secrets',
    does: 'opens every file and every socket below the state folder',
    async attack(world) {
      const paths = everything(world)
      // As far as the state folder itself everybody may come here: only its own contents' modes are in the way.
      chmodSync(dirname(world.bed.stateDir), 0o755)
      const open = paths.filter(
        (path) => (lstatSync(dirname(path)).mode & 0o077) !== 0 && (lstatSync(path).mode & 0o077) !== 0,
      )
      if (open.length > 0) throw new Error(`open to others: ${open[0]}`)
      // Only root can be somebody else; elsewhere the modes speak.
      if (process.getuid?.() !== 0) return `${paths.length} files and sockets, all closed by their modes`
      const reached = reach(paths, nobody)
      if (reached.length > 0) throw new Error(`reached ${reached[0]}`)
      return `0 of ${paths.length} files and sockets`
    },
    async twin(world) {
      const paths = everything(world)
      if (reach(paths).length < paths.length / 2) throw new Error('not even the launcher’s own user reaches them')
    },
  },
]
