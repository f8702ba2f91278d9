/** Why viewers can't be put into a sandbox on this machine, and what to do about it, in words for who starts the launcher. */
import { readFileSync } from 'node:fs'

/** Switches of the kernel that forbid what bubblewrap needs: where, the forbidding value, what to do. */
const switches: readonly (readonly [path: string, value: string, words: string])[] = [
  [
    'kernel/apparmor_restrict_unprivileged_userns',
    '1',
    'AppArmor keeps bubblewrap from making user namespaces (Ubuntu 24.04 and later do). Give it a profile: sudo cp ' +
      'infra/one-server/apparmor-bwrap /etc/apparmor.d/bwrap && sudo apparmor_parser -r /etc/apparmor.d/bwrap',
  ],
  [
    'kernel/unprivileged_userns_clone',
    '0',
    'This kernel forbids user namespaces. Allow them: sudo sysctl -w kernel.unprivileged_userns_clone=1 (and in /etc/sysctl.d)',
  ],
  [
    'user/max_user_namespaces',
    '0',
    'This kernel allows no user namespaces. Allow some: sudo sysctl -w user.max_user_namespaces=15000 (and in /etc/sysctl.d)',
  ],
]

export const notInstalled =
  'bubblewrap is not installed. Install it: sudo apt install bubblewrap (Debian, Ubuntu), sudo dnf install bubblewrap (Fedora, RHEL)'
export const notLinux = 'bubblewrap exists for Linux only'

/**
 * @param said bubblewrap's last words
 * @param root where the kernel's switches are, `/proc/sys`
 */
export function whyNot(said: string, root = '/proc/sys'): string {
  for (const [path, value, words] of switches) if (read(`${root}/${path}`) === value) return words
  const own = said.trim().split('\n').at(-1)?.slice(0, 300) || 'it said nothing'
  return `bubblewrap did not work when it was tried (${own}). Inside a container it needs the right to make user namespaces`
}

function read(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').trim()
  } catch {
    return null // a switch that this kernel does not have forbids nothing
  }
}
