/** The contract suites on the embedded store: dynalite on disk behind its Unix socket. */
import { afterAll } from 'vitest'
import { openStore } from '../../functions/platform/local/store.ts'
import { tempDir } from '../support/temp-dir.ts'
import { allStoreContracts } from './all-stores.ts'

const store = await openStore(tempDir())
afterAll(() => store.close())

allStoreContracts('dynalite', store.table)
