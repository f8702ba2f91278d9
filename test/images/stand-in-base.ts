/**
 * A base image where no registry can be reached: Debian by debootstrap, with Python, pip and this machine's node where the
 * official images have theirs. It stands in for both bases, so what the Dockerfiles do is done for real; only the versions of
 * the interpreters are this machine's and Debian's.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { command, podman } from './commands.ts'

export const standInImage = 'localhost/cxod-stand-in-base:1'
const packages = ['ca-certificates', 'python3', 'python3-pip', 'zstd']

/** Made once: two minutes. `folder` is empty again afterwards. */
export async function ensureStandInBase(folder: string, say: (line: string) => void): Promise<void> {
  if (await exists(standInImage)) return
  say('Making a stand-in for the base images with debootstrap (once) …')
  const root = path.join(folder, 'base')
  rmSync(root, { recursive: true, force: true })
  mkdirSync(root, { recursive: true })
  const args = ['--variant=minbase', `--include=${packages.join(',')}`, 'bookworm', root]
  try {
    await command('debootstrap', args, { timeoutMs: 900_000 })
  } finally {
    // Left mounted by debootstrap in some containers; the folder could not be removed.
    await command('umount', [path.join(root, 'proc')]).catch(() => {})
    await command('umount', [path.join(root, 'sys')]).catch(() => {})
  }
  mkdirSync(path.join(root, 'usr/local/bin'), { recursive: true })
  copyFileSync(realpathSync(process.execPath), path.join(root, 'usr/local/bin/node'))
  chmodSync(path.join(root, 'usr/local/bin/node'), 0o755)
  symlinkSync('../../bin/python3', path.join(root, 'usr/local/bin/python3'))
  asThisMachinePip(root)
  const tar = path.join(folder, 'base.tar')
  await command('tar', ['--one-file-system', '-C', root, '-cf', tar, '.'], { timeoutMs: 300_000 })
  await podman(['import', '--quiet', tar, standInImage], { timeoutMs: 300_000 })
  rmSync(root, { recursive: true, force: true })
  rmSync(tar)
}

/** The build's pip reaches the same index as this machine's: settings, and certificates of a company's own. */
function asThisMachinePip(root: string): void {
  const certificates = '/etc/ssl/certs/ca-certificates.crt'
  if (existsSync(certificates)) copyFileSync(certificates, path.join(root, certificates))
  const index = process.env.PIP_INDEX_URL ? `index-url = ${process.env.PIP_INDEX_URL}\n` : ''
  writeFileSync(path.join(root, 'etc/pip.conf'), `[global]\ncert = ${certificates}\ntimeout = 180\n${index}`)
}

export const exists = async (image: string): Promise<boolean> =>
  podman(['image', 'exists', image]).then(
    () => true,
    () => false,
  )
