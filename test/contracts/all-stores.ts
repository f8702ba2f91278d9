/** All contract suites of the store on one table, for each thing that can be beneath it. */
import { createCatalogue } from '../../functions/platform/dynamo/catalogue.ts'
import { createLinkStore } from '../../functions/platform/dynamo/links.ts'
import { createLoginStore } from '../../functions/platform/dynamo/logins.ts'
import { createOnceStore } from '../../functions/platform/dynamo/once.ts'
import { createReceiptStore } from '../../functions/platform/dynamo/receipts.ts'
import { createSessionStore } from '../../functions/platform/dynamo/sessions.ts'
import type { Table } from '../../functions/platform/dynamo/table.ts'
import { createUserStore } from '../../functions/platform/dynamo/users.ts'
import { linkStoreContract } from './links.contract.ts'
import { loginStoreContract } from './logins.contract.ts'
import { onceStoreContract } from './once.contract.ts'
import { catalogueContract, receiptStoreContract } from './records.contract.ts'
import { sessionStoreContract } from './sessions.contract.ts'
import { userStoreContract } from './users.contract.ts'

export function allStoreContracts(name: string, table: Table): void {
  sessionStoreContract(name, () => createSessionStore(table))
  receiptStoreContract(name, () => createReceiptStore(table))
  catalogueContract(name, () => createCatalogue(table))
  userStoreContract(name, () => createUserStore(table))
  linkStoreContract(name, () => createLinkStore(table))
  loginStoreContract(name, () => createLoginStore(table))
  onceStoreContract(name, () => createOnceStore(table))
}
