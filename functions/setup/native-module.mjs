// A Lambda runs on another processor than the machine that deploys it: brings the native half of a package for that one, as
// the lock file pins it.
import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { SetupError } from './words.mjs'

const run = promisify(execFile)

/**
 * @param {string} root the project's folder, whose lock file names version and hash
 * @param {string} bundle folder of the Lambda
 * @param {string} name the package
 * @param {string} native its part for the Lambda's processor
 */
export async function addNativeModule(root, bundle, name, native) {
  const locked = JSON.parse(readFileSync(path.join(root, 'package-lock.json'), 'utf8')).packages[
    `node_modules/${native}`
  ]
  if (!locked) throw new SetupError(`package-lock.json names no ${native}: run npm install once more.`)
  const work = mkdtempSync(path.join(tmpdir(), 'cxod-native-'))
  try {
    const { stdout } = await run('npm', ['pack', `${native}@${locked.version}`, '--json', '--silent'], { cwd: work })
    const tarball = path.join(work, JSON.parse(stdout)[0].filename)
    const hash = `sha512-${createHash('sha512').update(readFileSync(tarball)).digest('base64')}`
    if (hash !== locked.integrity)
      throw new SetupError(
        `${native}@${locked.version} is not the package that package-lock.json pins. Nothing was deployed.`,
      )
    await run('tar', ['-xzf', tarball, '-C', work])
    const modules = path.join(bundle, 'node_modules')
    mkdirSync(modules, { recursive: true })
    cpSync(path.join(root, 'node_modules', name), path.join(modules, name), { recursive: true, dereference: true })
    cpSync(path.join(work, 'package'), path.join(modules, native), { recursive: true })
  } catch (error) {
    if (error instanceof SetupError) throw error
    const words = error instanceof Error ? error.message.split('\n')[0] : String(error)
    throw new SetupError(`${native} could not be fetched from the npm registry: ${words}`)
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}
