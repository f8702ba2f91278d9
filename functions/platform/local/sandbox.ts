/** Each viewer in a sandbox of its own: it parses files that strangers made, and what takes it over must find nothing there. */
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { isAbsolute, join } from 'node:path'
import { LauncherError } from '../../core/errors.ts'
import { bubblewrapArguments, type Room, type Seat, sandboxFile, variants } from './bubblewrap.ts'
import { notInstalled, notLinux, whyNot } from './sandbox-words.ts'

export const sandboxChoices = ['auto', 'bubblewrap', 'none'] as const
export type SandboxChoice = (typeof sandboxChoices)[number]

export type Sandbox = {
  kind: 'bubblewrap' | 'none'
  /** For who starts the launcher when viewers are not divided: why, and what to do. */
  words: string | null
  /** Where a viewer finds its file; null: wherever the gate puts it. */
  file: string | null
  /** The command that runs this one there. Signals to its process group reach the viewer, its exit code is the viewer's. */
  wrap(command: readonly string[], seat: Seat): string[]
  /** Variables that its viewers have beside, or instead of, the usual ones. */
  environment(seat: Seat): Record<string, string>
}

export type SandboxPlan = Room & {
  /** A run of the viewer's own program that shows that it finds what it needs. */
  trial: readonly string[]
  /** Private to the launcher's user. */
  runDir: string
}

const none = (words: string | null): Sandbox => ({
  kind: 'none',
  words,
  file: null,
  wrap: (command) => [...command],
  environment: () => ({}),
})

/** Longest trial, ms: the program's imports from a cold disk. */
const trialMs = 60_000

/**
 * What this machine can do, found out by doing it.
 * Throws `bad-setting` when bubblewrap was asked for by name and does not work.
 * @param path searched for the program; another one in tests
 */
export async function openSandbox(
  choice: SandboxChoice,
  plan: SandboxPlan,
  path = process.env.PATH ?? '',
): Promise<Sandbox> {
  if (choice === 'none') return none('Viewers run as your own user: --sandbox none.')
  const found = process.platform === 'linux' ? await tryVariants(plan, path) : { why: notLinux }
  if ('variant' in found) return bubblewrap(found.program, found.variant, plan)
  if (choice === 'bubblewrap')
    throw new LauncherError('bad-setting', `--sandbox bubblewrap: ${found.why}. Or start with --sandbox none.`)
  return none(
    `Viewers run as your own user, so a data file that takes one over could read everybody’s labels. To divide them: ${found.why}.`,
  )
}

function bubblewrap(program: string, variant: readonly string[], room: Room): Sandbox {
  return {
    kind: 'bubblewrap',
    words: null,
    file: sandboxFile,
    wrap: (command, seat) => [program, ...bubblewrapArguments(variant, room, seat), ...command],
    environment: ({ dir }) => ({ HOME: dir, TMPDIR: dir }),
  }
}

type Found = { program: string; variant: readonly string[] } | { why: string }

/** A real run of the viewer's program, under which a file of ours must be invisible: a sandbox that shows it is none. */
async function tryVariants(plan: SandboxPlan, path: string): Promise<Found> {
  const program = await which('bwrap', path)
  if (program === null) return { why: notInstalled }
  const dir = mkdtempSync(join(plan.runDir, 'trial-'))
  const seat = { dir: join(dir, 'v'), file: null }
  const canary = join(dir, 'canary')
  try {
    mkdirSync(seat.dir)
    writeFileSync(canary, '')
    const check = ['/bin/sh', '-c', '! test -e "$1" && : > "$2" && shift 2 && exec "$@"', 'trial']
    const command = [...check, canary, join(seat.dir, 'written'), ...plan.trial]
    let said: string | null = null
    for (const variant of variants) {
      const run = await runOnce(bubblewrap(program, variant, plan).wrap(command, seat))
      if (run.ok) return { program, variant }
      // The first is what a machine of today does: its refusal says most.
      said ??= run.said
    }
    return { why: whyNot(said ?? '') }
  } finally {
    rmSync(dir, { recursive: true, force: true })
  }
}

function runOnce([program = '', ...args]: readonly string[]): Promise<{ ok: boolean; said: string }> {
  return new Promise((resolve) => {
    const env = { PATH: process.env.PATH ?? '' }
    execFile(program, args, { timeout: trialMs, killSignal: 'SIGKILL', env }, (error, _, stderr) =>
      resolve({ ok: error === null, said: stderr }),
    )
  })
}

function which(name: string, path: string): Promise<string | null> {
  return new Promise((resolve) => {
    execFile('/bin/sh', ['-c', 'command -v "$1"', 'sh', name], { env: { PATH: path } }, (error, stdout) =>
      resolve(error === null && isAbsolute(stdout.trim()) ? stdout.trim() : null),
    )
  })
}
