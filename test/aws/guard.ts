/**
 * Ends what the harness has started when the harness itself is killed: a function that stands still can't notice that nobody
 * is there any more, and would stand there for ever.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import type { Writable } from 'node:stream'

/** Reads pids to look after (`+ 12`) and to forget (`- 12`); its input ends with the process that writes. */
const script = `pids=' '
while read -r what pid; do
  case $what in
    +) pids="$pids$pid " ;;
    -) pids=$(printf '%s.' "$pids" | sed "s/ $pid / /"); pids=\${pids%.} ;;
  esac
done
for pid in $pids; do kill -KILL "$pid"; done`

let guard: Writable | null = null

function open(): Writable {
  // In a session of its own: Ctrl-C is for us.
  const child = spawn('/bin/sh', ['-c', script], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  child.unref()
  const input = child.stdin
  input.on('error', () => {})
  if ('unref' in input && typeof input.unref === 'function') input.unref()
  return input
}

/** @param group the child leads a process group of its own, which ends as a whole */
export function watchOver(child: ChildProcess, group = false): void {
  if (child.pid === undefined) return
  guard ??= open()
  const name = group ? `-${child.pid}` : String(child.pid)
  guard.write(`+ ${name}\n`)
  child.once('exit', () => guard?.write(`- ${name}\n`))
}
