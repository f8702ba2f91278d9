/** Lambda of the app origin. */
import { join } from 'node:path'
import { apiHandler } from '../platform/aws/api.ts'

export const handler = apiHandler(join(import.meta.dirname, 'web'))
