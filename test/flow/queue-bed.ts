/** A launcher with few places for tests of the line: one dataset, viewers inside the test, and a count of what really runs. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { TaskRunner } from '../../functions/core/ports.ts'
import { createInProcessTasks } from '../support/in-process-tasks.ts'
import { startLocalBed } from '../support/local-bed.ts'
import { aDataset } from '../support/ports.ts'

export async function startQueueBed(dir: string, given: Parameters<typeof startLocalBed>[1]) {
  const dataDir = path.join(dir, 'data')
  mkdirSync(path.join(dataDir, 'public'), { recursive: true })
  writeFileSync(path.join(dataDir, 'public', 'pbmc.h5ad'), Buffer.alloc(1000, 'a'))
  return startLocalBed(dir, { dataDir, datasets: [aDataset()], followFolder: false, ...given })
}

/** Counts what really runs, whatever the records say. */
export function counted() {
  const running = new Set<string>()
  /** Started, and not yet gone to the last byte: what memory is counted by. */
  const there = new Set<string>()
  let most = 0
  let mostThere = 0
  let ever = 0
  const create: typeof createInProcessTasks = (settings) => {
    const tasks = createInProcessTasks({
      ...settings,
      onEnd(sessionId) {
        there.delete(sessionId)
        settings.onEnd(sessionId)
      },
    })
    return {
      ...tasks,
      async start(spec: Parameters<TaskRunner['start']>[0]) {
        ever++
        running.add(spec.sessionId)
        there.add(spec.sessionId)
        most = Math.max(most, running.size)
        mostThere = Math.max(mostThere, there.size)
        return tasks.start(spec)
      },
      async stop(sessionId: string) {
        running.delete(sessionId)
        return tasks.stop(sessionId)
      },
    }
  }
  return { create, running, most: () => most, mostThere: () => mostThere, ever: () => ever }
}
