/** Lambda of the schedule: once a minute. */
import { everyMinute } from '../platform/aws/events.ts'

export const handler = everyMinute()
