/** Plays EventBridge and S3's notifications: what the functions hear, once, or again and in another order when a test wants so. */

import { names } from './account.ts'
import { s3Place } from './call.ts'
import type { Ecs } from './ecs.ts'
import type { Edge } from './edge.ts'
import type { LambdaFunction, Outcome } from './lambda.ts'

export type TaskEvents = {
  /** From now on they are kept back; returns how to have them. */
  hold(): {
    held(): object[] /** Delivers what it is given, one after the other, and goes on as usual. */
    deliver(events: object[]): Promise<Outcome[]>
  }
  /** Resolves when nothing that was sent is still on its way. */
  settled(): Promise<void>
}

type Given = { ecs: Ecs; edge: Edge; indexer: LambdaFunction; taskEvents: LambdaFunction; cluster: string }

/** Of infra/events.ts: a task that starts tells so itself, by its gate. */
const passed = ['DEACTIVATING', 'STOPPING', 'DEPROVISIONING', 'STOPPED']
const created = ['PutObject', 'CompleteMultipartUpload', 'DeleteObject', 'DeleteObjects']

export function playEvents({ ecs, edge, indexer, taskEvents, cluster }: Given): TaskEvents {
  let kept: object[] | null = null
  const under = new Set<Promise<unknown>>()
  const send = (fn: LambdaFunction, event: object) => {
    const sent = fn.invokeAsync(event)
    under.add(sent)
    void sent.finally(() => under.delete(sent))
    return sent
  }
  ecs.onChange((event) => {
    const { detail } = event as { detail: { lastStatus: string; clusterArn: string } }
    if (!passed.includes(detail.lastStatus) || !detail.clusterArn.endsWith(`/${cluster}`)) return
    if (kept) kept.push(event)
    else void send(taskEvents, event)
  })
  edge.hear((call, status) => {
    if (call.service !== 's3' || !created.includes(call.operation) || status >= 300) return
    const { bucket, key } = s3Place(call.target)
    if (bucket !== names.data || !key.endsWith('.h5ad')) return
    const eventName = call.operation.startsWith('Delete') ? 'ObjectRemoved:Delete' : `ObjectCreated:${call.operation}`
    const s3 = { bucket: { name: bucket }, object: { key: encodeURIComponent(key).replaceAll('%2F', '/') } }
    void send(indexer, { Records: [{ eventSource: 'aws:s3', eventName, s3 }] })
  })
  return {
    hold() {
      const events: object[] = []
      kept = events
      return {
        held: () => [...events],
        async deliver(chosen) {
          kept = null
          const outcomes: Outcome[] = []
          for (const event of chosen) outcomes.push(await send(taskEvents, event))
          return outcomes
        },
      }
    },
    async settled() {
      while (under.size > 0) await Promise.all(under)
    },
  }
}
