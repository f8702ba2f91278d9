/** A fresh session record for tests, with what a test cares about on top. */
import type { Session } from '../../functions/core/session.ts'

export function aSession(over: Partial<Session> = {}): Session {
  const now = 1_800_000_000_000
  return {
    id: 'abcdefghijklmnopqrst',
    ownerId: 'local:ada',
    ownerName: 'ada',
    linkId: null,
    mode: 'annotate',
    datasetId: 'pbmc',
    datasetVersion: 'v1',
    obsIndexHash: 'h1',
    state: 'requested',
    version: 1,
    dueAt: now + 90_000,
    createdAt: now,
    requestedAt: now,
    refusal: null,
    unsettledAt: now,
    startCapAt: now + 1_000_000,
    readyAt: null,
    lastActiveAt: now,
    lastSeenAt: now,
    size: { memoryMiB: 1024, vcpu: 0.5 },
    attempt: 1,
    routePath: '/s/abcdefghijklmnopqrst/',
    progress: null,
    ending: null,
    failedStarts: 0,
    ...over,
  }
}
