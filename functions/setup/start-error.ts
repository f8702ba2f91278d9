/** Why the launcher did not start, in one line that says what to do. */
import { isLauncherError } from '../core/errors.ts'
import { SetupError } from './words.mjs'

/** @returns words for the person at the terminal, or null for what is a bug and needs its stack trace */
export function explainStartError(error: unknown): string | null {
  if (error instanceof SetupError || isLauncherError(error)) return error.message
  if (!(error instanceof Error)) return null
  const system = error as NodeJS.ErrnoException & { port?: number; address?: string }
  const file = system.path === undefined ? '' : ` (${system.path})`
  switch (system.code) {
    case 'EADDRINUSE':
      return system.port === undefined
        ? `Another launcher runs with this state folder${file}. Stop it, or name another folder with --state DIR.`
        : `Port ${system.port} is busy: is a launcher running already? Stop what uses it, or choose another with --port N or --view-port N.`
    case 'EADDRNOTAVAIL':
      return `This machine does not have the address ${system.address ?? ''}. Choose another with --host ADDRESS.`
    case 'EACCES':
    case 'EPERM':
      return system.syscall === 'listen' && system.port !== undefined
        ? `Port ${system.port} needs rights that this user does not have. Choose one above 1023 with --port N or --view-port N.`
        : `Permission denied${file}. Run as the owner of that file, or name other folders with --data DIR and --state DIR.`
    case 'ENOSPC':
    case 'EDQUOT':
      return `The disk is full${file}. Free some space (2 GB for a first start) and start again; nothing that was saved is lost.`
    case 'EROFS':
      return `The file system is read-only${file}. Name a writable folder with --state DIR.`
    case 'EMFILE':
    case 'ENFILE':
      return 'Too many open files. Raise the limit (ulimit -n 4096) and start again.'
    default:
      return null
  }
}
