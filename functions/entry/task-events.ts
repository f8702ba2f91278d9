/** Lambda that hears of ECS tasks. */
import { taskEvents } from '../platform/aws/events.ts'

export const handler = taskEvents()
