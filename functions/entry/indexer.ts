/** Lambda that reads data files, when the bucket says that some came or went. */
import { bucketEvents } from '../platform/aws/events.ts'

export const handler = bucketEvents()
