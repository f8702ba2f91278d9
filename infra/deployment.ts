/** Puts the parts together, in the order in which they need each other. */
import { network } from './network.ts'
import { openings } from './openings.ts'
import { routes } from './routes.ts'
import { storage } from './storage.ts'
import { tables } from './tables.ts'

export function deployment() {
  const net = network()
  const open = openings(net)
  const { data, vault } = storage()
  const table = tables()
  const { slots } = routes(net, open)
  return { data: data.id, vault: vault.id, table: table.name, slots: slots.length }
}
