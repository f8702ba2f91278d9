/** The native half of a package for another processor comes as the lock file pins it, or not at all. */
import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { expect, it } from 'vitest'
import { addNativeModule } from '../../functions/setup/native-module.mjs'
import { projectRoot } from '../../functions/setup/python.ts'
import { tempDir } from '../support/temp-dir.ts'

const [name, native] = ['@node-rs/argon2', '@node-rs/argon2-linux-arm64-gnu']

function copyOfRoot(): string {
  const root = tempDir()
  cpSync(path.join(projectRoot(), 'package-lock.json'), path.join(root, 'package-lock.json'))
  mkdirSync(path.join(root, 'node_modules/@node-rs'), { recursive: true })
  cpSync(path.join(projectRoot(), 'node_modules', name), path.join(root, 'node_modules', name), { recursive: true })
  return root
}

it('brings the part for an ARM processor, beside the package itself', async () => {
  const root = copyOfRoot()
  const bundle = path.join(root, 'api')
  await addNativeModule(root, bundle, name, native)
  const file = path.join(bundle, 'node_modules', native, 'argon2.linux-arm64-gnu.node')
  // ELF, machine 183: AArch64.
  expect(readFileSync(file).readUInt16LE(18)).toBe(183)
  expect(existsSync(path.join(bundle, 'node_modules', name, 'index.js'))).toBe(true)
})

it('takes nothing that is not what the lock file pins', async () => {
  const root = copyOfRoot()
  const lock = path.join(root, 'package-lock.json')
  const { integrity } = JSON.parse(readFileSync(lock, 'utf8')).packages[`node_modules/${native}`]
  writeFileSync(lock, readFileSync(lock, 'utf8').replace(integrity, `sha512-${Buffer.alloc(64).toString('base64')}`))
  const bundle = path.join(root, 'api')
  await expect(addNativeModule(root, bundle, name, native)).rejects.toThrow(/package-lock\.json pins/)
  expect(existsSync(path.join(bundle, 'node_modules', native))).toBe(false)
})
