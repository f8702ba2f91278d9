/** Runs one program to its end, line by line: what the set-up needs of child processes. */
import { spawn } from 'node:child_process'

export type Ran = { code: number | null; lines: string[] }

/**
 * @param onLine called for each line of standard output and standard error
 * @returns exit code (null: killed by a signal) and all lines; an error to start at all is thrown as node gives it
 */
export function run(
  program: string,
  args: readonly string[],
  options: { env?: NodeJS.ProcessEnv; cwd?: string; onLine?: (line: string) => void; timeoutMs?: number } = {},
): Promise<Ran> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: options.cwd,
      env: options.env ?? process.env,
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: options.timeoutMs,
    })
    const lines: string[] = []
    for (const stream of [child.stdout, child.stderr]) {
      let rest = ''
      stream.setEncoding('utf8')
      stream.on('data', (text: string) => {
        const parts = (rest + text).split(/\r?\n|\r/)
        rest = parts.pop() ?? ''
        for (const line of parts) take(line)
      })
      stream.on('end', () => take(rest))
    }
    const take = (line: string): void => {
      if (line.trim() === '') return
      lines.push(line)
      options.onLine?.(line)
    }
    // A SIGTERM to us alone would leave pip at work in a folder that the next start removes.
    const stop = (signal: NodeJS.Signals): void => {
      child.kill('SIGTERM')
      process.exit(signal === 'SIGINT' ? 130 : 143)
    }
    const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
    for (const signal of signals) process.on(signal, stop)
    const forget = (): void => {
      for (const signal of signals) process.off(signal, stop)
    }
    child.once('error', (error) => {
      forget()
      reject(error)
    })
    child.once('close', (code) => {
      forget()
      resolve({ code, lines })
    })
  })
}
