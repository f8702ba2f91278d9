/** The contract suites on the embedded store: dynalite on disk behind its Unix socket. */
import { afterAll } from 'vitest'
import { createSessionStore } from '../../functions/platform/dynamo/sessions.ts'
import { withLiveSessions } from '../../functions/platform/local/live-sessions.ts'
import { openStore } from '../../functions/platform/local/store.ts'
import { tempDir } from '../support/temp-dir.ts'
import { allStoreContracts } from './all-stores.ts'
import { sessionStoreContract } from './sessions.contract.ts'

const store = await openStore(tempDir())
afterAll(() => store.close())

allStoreContracts('dynalite', store.table)

const counted = await withLiveSessions(createSessionStore(store.table))
sessionStoreContract('dynalite, live sessions kept in memory', () => counted)
