/** Everything that is promised of the plan, by what it is about. */
import type { Promised } from './ask.ts'
import { alarmPromises } from './promises-alarms.ts'
import { costPromises } from './promises-costs.ts'
import { functionPromises } from './promises-functions.ts'
import { groundPromises } from './promises-ground.ts'
import { rightsPromises } from './promises-rights.ts'
import { taskPromises } from './promises-tasks.ts'
import { webPromises } from './promises-web.ts'

export const promiseGroups: Record<string, readonly Promised[]> = {
  ground: groundPromises,
  tasks: taskPromises,
  functions: functionPromises,
  rights: rightsPromises,
  web: webPromises,
  alarms: alarmPromises,
  costs: costPromises,
}
