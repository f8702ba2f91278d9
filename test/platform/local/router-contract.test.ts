/** The local router, held to the contract that the load balancer's keeps too. */
import { createRouter } from '../../../functions/platform/local/router.ts'
import { routerContract } from '../../contracts/router.contract.ts'

let count = 0
routerContract('local table', async () => ({
  router: createRouter(),
  again: null,
  endpoint: () => `unix:/nowhere/${++count}`,
  room: null,
  settle: async () => {},
}))
