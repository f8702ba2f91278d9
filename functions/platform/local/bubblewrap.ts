/** The arguments with which bubblewrap runs one viewer: what of this machine it may see, and nothing else. */
import { existsSync, lstatSync, readlinkSync, realpathSync } from 'node:fs'
import { isAbsolute, join, relative } from 'node:path'

/** Where a viewer finds its file: outside of every folder that it could write to. */
export const sandboxFile = '/data/dataset.h5ad'

/** What is the same for every viewer of this launcher. */
export type Room = {
  /** Files and folders that its program needs, read-only; those that are not there are left out. */
  readOnly: readonly string[]
  /** Folders that it must not see even where they lie inside one that it may (`/usr/local/state`). */
  hidden: readonly string[]
}

export type Seat = {
  /** The one folder that it may write to: its sockets, and whatever a library wants to put down. */
  dir: string
  /** The one data file; null when there is none (the gate then says so). */
  file: string | null
}

/**
 * What bubblewrap can do differs: before 0.8 it can't forbid further user namespaces; installed setuid it makes none of its
 * own; and inside a container, or under systemd's ProtectKernelTunables, the kernel refuses a new /proc, which a viewer can do
 * without. Tried in this order.
 */
export const variants: readonly (readonly string[])[] = [
  ['--unshare-user', '--disable-userns', '--proc', '/proc'],
  ['--unshare-user', '--proc', '/proc'],
  ['--unshare-user', '--disable-userns'],
  ['--unshare-user'],
  ['--proc', '/proc'],
]

/**
 * No `--new-session`: the runner has made the child a session of its own, without a terminal to put words into, and a
 * second one would leave the process group that the runner signals. No tmpfs: RLIMIT_DATA does not count what lies in one,
 * so /tmp and /dev are read-only, and TMPDIR is the task's folder.
 */
export function bubblewrapArguments(variant: readonly string[], room: Room, seat: Seat): string[] {
  return [
    ...['--unshare-ipc', '--unshare-pid', '--unshare-net', '--unshare-uts', '--unshare-cgroup-try'],
    ...variant,
    ...['--cap-drop', 'ALL', '--die-with-parent'],
    ...system(),
    // Before what is shown on purpose, which may lie inside.
    ...room.hidden.filter(isShown).flatMap((path) => ['--tmpfs', path, '--remount-ro', path]),
    ...room.readOnly.flatMap((path) => (existsSync(path) ? ['--ro-bind', realpathSync(path), path] : [])),
    ...(seat.file === null ? [] : ['--ro-bind', seat.file, sandboxFile]),
    ...['--dir', '/tmp', '--bind', seat.dir, seat.dir],
    ...['--remount-ro', '/dev', '--remount-ro', '/', '--chdir', seat.dir, '--'],
  ]
}

/** Programs and libraries of the system; of /etc only what the dynamic linker and the clock read. */
function system(): string[] {
  const folders = ['/bin', '/sbin', '/lib', '/lib32', '/lib64', '/libx32'].flatMap((path) => {
    const stat = lstatSync(path, { throwIfNoEntry: false })
    if (stat === undefined) return []
    // Debian and others keep them in /usr and link.
    return stat.isSymbolicLink() ? ['--symlink', readlinkSync(path), path] : ['--ro-bind', path, path]
  })
  const stores = ['/nix/store', '/gnu/store'].flatMap((path) => ['--ro-bind-try', path, path])
  const etc = ['/etc/ld.so.cache', '/etc/ld.so.conf', '/etc/ld.so.conf.d', '/etc/localtime'].flatMap((path) => [
    '--ro-bind-try',
    path,
    path,
  ])
  return ['--ro-bind', '/usr', '/usr', ...folders, ...stores, ...etc, '--dev', '/dev']
}

const isShown = (path: string): boolean =>
  existsSync(path) && ['/usr', '/nix/store', '/gnu/store'].some((shown) => isInside(realpathSync(path), shown))

export function isInside(path: string, folder: string): boolean {
  const way = relative(folder, path)
  return way === '' || !(way.startsWith('..') || isAbsolute(way))
}

/** What an interpreter or program needs of its own folder when that is not the system's: `<prefix>/bin` and `lib`, never all of a home. */
export const partsOfPrefix = (prefix: string): string[] =>
  ['bin', 'lib', 'lib64', 'share'].map((part) => join(prefix, part))
