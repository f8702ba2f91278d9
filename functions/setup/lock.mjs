// One set-up at a time per folder: two starts at once share the work of one. The lock is a file that names its holder;
// a holder that died (its process is gone, or the number belongs to a younger process) loses it.
import { randomBytes } from 'node:crypto'
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { say } from './words.mjs'

const waitMs = 250

/**
 * @template T
 * @param {string} file the lock
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(file, work) {
  mkdirSync(path.dirname(file), { recursive: true })
  const mine = `${process.pid} ${bornAt(process.pid)} ${randomBytes(6).toString('hex')}`
  let told = false
  while (!take(file, mine)) {
    const holder = read(file)
    if (holder === null) continue
    if (!isAlive(holder)) {
      evict(file, holder)
      continue
    }
    if (!told) say(`Waiting for another start (process ${holder.split(' ')[0]}) to finish setting up …`)
    told = true
    await new Promise((resolve) => setTimeout(resolve, waitMs))
  }
  try {
    return await work()
  } finally {
    if (read(file) === mine) rmSync(file, { force: true })
  }
}

/** A complete file appears at once or not at all: `link` fails when the name is taken, and never shows half a content. */
function take(/** @type {string} */ file, /** @type {string} */ mine) {
  const own = `${file}.${mine.split(' ')[2]}`
  writeFileSync(own, mine)
  try {
    linkSync(own, file)
    return true
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false
    throw error
  } finally {
    rmSync(own, { force: true })
  }
}

/** Moves a dead holder's lock away, and back if it was a living one's that came in between. */
function evict(/** @type {string} */ file, /** @type {string} */ holder) {
  const grave = `${file}.${randomBytes(6).toString('hex')}`
  try {
    renameSync(file, grave)
    if (read(grave) !== holder) linkSync(grave, file)
  } catch (error) {
    if (!isCode(error, 'ENOENT') && !isCode(error, 'EEXIST')) throw error
  } finally {
    rmSync(grave, { force: true })
  }
}

function read(/** @type {string} */ file) {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null
    throw error
  }
}

function isAlive(/** @type {string} */ holder) {
  const [pid, born] = holder.split(' ')
  try {
    process.kill(Number(pid), 0)
  } catch (error) {
    // EPERM: it runs, as somebody else.
    if (!isCode(error, 'EPERM')) return false
  }
  return bornAt(Number(pid)) === born
}

/** Start time of a process in the kernel's ticks; `-` where there is no /proc (macOS): then the number alone must do. */
function bornAt(/** @type {number} */ pid) {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
    // The name, in parentheses, may hold spaces; start time is field 22, the 20th after it.
    return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19] ?? '-'
  } catch {
    return '-'
  }
}

const isCode = (/** @type {unknown} */ error, /** @type {string} */ code) =>
  error instanceof Error && 'code' in error && error.code === code
