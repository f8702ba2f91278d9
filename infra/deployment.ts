/** Puts the parts together, in the order in which they need each other. */
import { alarms } from './alarms.ts'
import { dashboard } from './dashboard.ts'
import { distributions } from './distributions.ts'
import { events } from './events.ts'
import { facts } from './facts.ts'
import { functions } from './functions.ts'
import { images } from './images.ts'
import { narrow } from './narrow.ts'
import { network } from './network.ts'
import { openings } from './openings.ts'
import { routes } from './routes.ts'
import { secrets } from './secrets.ts'
import { storage, uploads } from './storage.ts'
import { tables } from './tables.ts'
import { tasks } from './tasks.ts'

export async function deployment() {
  // Before the first role is made.
  narrow()
  const net = network()
  const open = openings(net)
  const buckets = storage()
  const table = tables()
  const slots = routes(net, open)
  const secret = secrets()
  const viewers = tasks(await images())
  const fns = functions({ net, open, storage: buckets, table, tasks: viewers, slots, secret })
  const web = distributions(fns, slots, secret)
  uploads(buckets, web)
  facts(table, web, slots)
  events(fns, buckets, viewers)
  dashboard(alarms(fns, viewers), fns)
  return {
    app: web.app.origin,
    view: web.view.origin,
    data: buckets.data.id,
    vault: buckets.vault.id,
    table: table.name,
  }
}
