/** Puts the parts together, in the order in which they need each other. */
import { functions } from './functions.ts'
import { images } from './images.ts'
import { network } from './network.ts'
import { openings } from './openings.ts'
import { routes } from './routes.ts'
import { secrets } from './secrets.ts'
import { storage } from './storage.ts'
import { tables } from './tables.ts'
import { tasks } from './tasks.ts'

export function deployment() {
  const net = network()
  const open = openings(net)
  const buckets = storage()
  const { data, vault } = buckets
  const table = tables()
  const slots = routes(net, open)
  const secret = secrets()
  const task = tasks(images())
  const fns = functions({ net, open, storage: buckets, table, tasks: task, slots, secret })
  return { data: data.id, vault: vault.id, table: table.name, slots: slots.slots.length, api: fns.api.fn.url }
}
