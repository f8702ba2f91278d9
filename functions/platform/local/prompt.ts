/** Reads a password without showing it, or one line of a pipe; never from the arguments, which every user of the machine can list. */
import { createInterface } from 'node:readline/promises'
import { LauncherError } from '../../core/errors.ts'

export type Terminal = { input: NodeJS.ReadStream; output: NodeJS.WritableStream }

/** Throws `bad-request` when the two typed passwords differ, nothing came, or the user gave up. */
export async function readPassword({ input, output }: Terminal): Promise<string> {
  if (!input.isTTY) return firstLine(input)
  const first = await typeHidden('Password: ', { input, output })
  if (first === (await typeHidden('Again: ', { input, output }))) return first
  throw new LauncherError('bad-request', 'The two passwords differ. Nothing was changed.')
}

async function firstLine(input: NodeJS.ReadStream): Promise<string> {
  const lines = createInterface({ input })
  try {
    for await (const line of lines) if (line !== '') return line
  } finally {
    lines.close()
  }
  throw new LauncherError('bad-request', 'No password came. Type one, or send it on standard input.')
}

/** Raw mode: the terminal shows nothing, and we see each key. */
function typeHidden(label: string, { input, output }: Terminal): Promise<string> {
  output.write(label)
  input.setRawMode(true)
  input.setEncoding('utf8')
  input.resume()
  return new Promise((resolve, reject) => {
    let typed = ''
    const end = (error?: LauncherError) => {
      input.off('data', onData)
      input.setRawMode(false)
      input.pause()
      output.write('\n')
      if (error) reject(error)
      else resolve(typed)
    }
    // A paste arrives as one piece, so every piece is taken apart.
    const onData = (piece: string) => {
      for (const key of piece) {
        if (key === '\r' || key === '\n') return end()
        if (key === '\u0003' || key === '\u0004')
          return end(new LauncherError('bad-request', 'Given up. Nothing was changed.'))
        typed = key === '\u007f' || key === '\b' ? [...typed].slice(0, -1).join('') : typed + key
      }
    }
    input.on('data', onData)
  })
}
