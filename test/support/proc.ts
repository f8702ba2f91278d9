/** Processes of this machine by a part of their command line, whatever namespace they are in (Linux). */
import { readdirSync, readFileSync } from 'node:fs'

export function pidsOf(part: string): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) return []
    try {
      return readFileSync(`/proc/${name}/cmdline`, 'utf8').includes(part) ? [Number(name)] : []
    } catch {
      return [] // gone while we read
    }
  })
}

export async function until(what: string, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let left = 600; left > 0; left -= 1) {
    if (await holds()) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`waited in vain for ${what}`)
}
