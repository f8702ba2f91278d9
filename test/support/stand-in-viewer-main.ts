/** The stand-in viewer as a process, with the real viewer's arguments; bundle it with `bundleProgram`. SIGTERM ends it with 0. */
import { parseArgs } from 'node:util'
import { startStandInViewer } from './stand-in-viewer.ts'

const { values } = parseArgs({
  options: {
    'task-socket': { type: 'string' },
    listen: { type: 'string' },
    'memory-mib': { type: 'string' },
    'load-ms': { type: 'string' },
  },
})
process.umask(0o077)
process.once('SIGTERM', () => process.exit(0))
await startStandInViewer({
  taskSocket: values['task-socket'] ?? '',
  listen: values.listen ?? '',
  loadMs: Number(values['load-ms'] ?? 0),
  die: () => process.kill(process.pid, 'SIGKILL'),
})
// The real one leaves when its gate is gone; this one must not stay behind after a failed test.
// (Not "is it 1": in a sandbox the parent is.)
const parent = process.ppid
setInterval(() => {
  if (process.ppid !== parent) process.exit(1)
}, 1_000)
