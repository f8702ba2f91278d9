/** The contract suites on the embedded store: dynalite on disk behind its Unix socket. */
import { afterAll } from 'vitest'
import { createSessionStore } from '../../functions/platform/dynamo/sessions.ts'
import { openStore } from '../../functions/platform/local/store.ts'
import { tempDir } from '../support/temp-dir.ts'
import { sessionStoreContract } from './sessions.contract.ts'

const store = await openStore(tempDir())
afterAll(() => store.close())

sessionStoreContract('dynalite', () => createSessionStore(store.table))
