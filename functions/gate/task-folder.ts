/** The folder of the task's sockets: there already on one machine, made here in a container, whose volume starts empty. */
import { mkdirSync } from 'node:fs'
import { dirname } from 'node:path'
import { LauncherError } from '../core/errors.ts'
import { codeOf } from './download.ts'

/** Throws `bad-setting`, with words for who set the volume up. */
export function makeSocketFolder(taskSocket: string): void {
  const folder = dirname(taskSocket)
  try {
    // Ours alone from its first moment: whoever can open the socket is handed the labels.
    mkdirSync(folder, { recursive: true, mode: 0o700 })
  } catch (error) {
    const ids = `${process.getuid?.() ?? '?'}:${process.getgid?.() ?? '?'}`
    throw new LauncherError(
      'bad-setting',
      `The folder ${folder} can't be made (${codeOf(error)}): the task's volume must belong to ${ids} and be writable.`,
    )
  }
}
