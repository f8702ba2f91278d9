/** Podman and the few other programs that images are made and looked at with; a failure carries their own last words. */
import { execFile } from 'node:child_process'

export type Ran = { stdout: string; stderr: string }
type Options = { timeoutMs?: number; env?: Record<string, string> }

/** Rejects with the program's last lines when it ends with another code than 0. */
export function command(
  program: string,
  args: readonly string[],
  { timeoutMs = 120_000, env }: Options = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const options = {
      timeout: timeoutMs,
      maxBuffer: 64 * 2 ** 20,
      killSignal: 'SIGKILL' as const,
      env: { ...process.env, ...env },
    }
    execFile(program, args, options, (error, stdout, stderr) => {
      if (error === null) return resolve({ stdout, stderr })
      const last = `${stdout}${stderr}`.trim().split('\n').slice(-25).join('\n')
      reject(new Error(`${program} ${args.slice(0, 5).join(' ')} … failed (${error.code ?? error.signal}):\n${last}`))
    })
  })
}

/** With runc: the crun of Debian 12 can't start anything where cgroups are the old ones. */
export const podman = (args: readonly string[], options?: Options): Promise<Ran> =>
  command('podman', ['--runtime', 'runc', ...args], options)

/** Without them podman asks for more than a machine without CAP_SYS_RESOURCE may have, and nothing starts. */
export const limits = ['--ulimit', 'nofile=1024:1024', '--ulimit', 'nproc=1024:1024']

/** How a task definition starts both containers: nothing of the root can be written, and there is nobody to become. */
export const locked = ['--read-only', '--read-only-tmpfs=false', '--cap-drop=all', '--security-opt=no-new-privileges']
