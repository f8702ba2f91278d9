/** Bounds one viewer's memory, so that its out-of-memory ends it and nothing else: cgroup v2 where we may write, else RLIMIT_DATA. */
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

export type MemoryBound = {
  /** How it is done here, for the log and the guide. */
  kind: 'cgroup-v2' | 'rlimit-data'
  /** Arguments for the viewer: with cgroups the kernel counts, else the viewer bounds itself before it imports. */
  viewerArguments(memoryMiB: number): string[]
  /**
   * Makes the bound. @returns the file into which the process writes its own id before it becomes the viewer, or null: put
   * there from outside, a process that has forked meanwhile (a sandbox does at once) would leave its child unbounded.
   */
  prepare(sessionId: string, memoryMiB: number): string | null
  /** Did the kernel kill for memory in this bound? */
  wasKilled(sessionId: string): boolean
  release(sessionId: string): void
}

const rlimit: MemoryBound = {
  kind: 'rlimit-data',
  viewerArguments: (memoryMiB) => ['--memory-mib', String(memoryMiB)],
  prepare: () => null,
  wasKilled: () => false,
  release() {},
}

/**
 * cgroup v2 when this process sits in a group of its own that it may divide (systemd: `Delegate=yes`); else the viewer's
 * own RLIMIT_DATA (RLIMIT_AS breaks the imports).
 * @param root where cgroup v2 is mounted
 * @param ownPath this process's group, as `/proc/self/cgroup` names it
 */
export function openMemoryBound(root = '/sys/fs/cgroup', ownPath = ownGroup()): MemoryBound {
  if (ownPath === null) return rlimit
  const own = join(root, ownPath)
  try {
    if (!readFileSync(join(own, 'cgroup.controllers'), 'utf8').split(/\s/).includes('memory')) return rlimit
    // A group that has children with controllers may hold no process itself, so the launcher moves to a leaf.
    const leaf = join(own, 'launcher')
    mkdirSync(leaf, { recursive: true })
    writeFileSync(join(leaf, 'cgroup.procs'), String(process.pid))
    writeFileSync(join(own, 'cgroup.subtree_control'), '+memory')
  } catch {
    return rlimit // not delegated to us
  }
  const groupOf = (sessionId: string) => join(own, `viewer-${sessionId}`)
  return {
    kind: 'cgroup-v2',
    viewerArguments: () => [],
    prepare(sessionId, memoryMiB) {
      const group = groupOf(sessionId)
      mkdirSync(group, { recursive: true })
      writeFileSync(join(group, 'memory.max'), String(memoryMiB * 2 ** 20))
      writeFileSync(join(group, 'memory.oom.group'), '1')
      return join(group, 'cgroup.procs')
    },
    wasKilled(sessionId) {
      try {
        return /^oom_kill [1-9]/m.test(readFileSync(join(groupOf(sessionId), 'memory.events'), 'utf8'))
      } catch {
        return false
      }
    },
    release(sessionId) {
      try {
        rmdirSync(groupOf(sessionId))
      } catch {
        // Still held by a dying process: an empty group costs nothing, and the launcher's own end removes it.
      }
    },
  }
}

function ownGroup(): string | null {
  try {
    return /^0::(\/.*)$/m.exec(readFileSync('/proc/self/cgroup', 'utf8'))?.[1] ?? null
  } catch {
    return null
  }
}
