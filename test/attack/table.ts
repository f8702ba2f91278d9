/** All rows of the table, by what they are about. */
import type { Stage } from './browser.ts'
import { staged } from './browser-row.ts'
import type { Row } from './row.ts'
import { endedRows } from './rows-ended.ts'
import { floodRows } from './rows-floods.ts'
import { guestRows } from './rows-guests.ts'
import { machineRows } from './rows-machine.ts'
import { neighbourRows } from './rows-neighbour.ts'
import { passwordRows } from './rows-passwords.ts'
import { pathRows } from './rows-paths.ts'
import { requestRows } from './rows-requests.ts'
import { scriptRows } from './rows-script.ts'
import { siteRows } from './rows-sites.ts'
import { tokenRows } from './rows-tokens.ts'

export const tableOf = (stage: () => Promise<Stage>): Readonly<Record<string, readonly Row[]>> => ({
  'tickets, cookies, tokens': tokenRows,
  addresses: pathRows,
  requests: requestRows,
  'other sites': siteRows,
  'what was right once': endedRows,
  guests: guestRows,
  'the same machine': machineRows,
  'a script in the page': staged(scriptRows, stage),
  'pages side by side': staged(neighbourRows, stage),
  'too much': floodRows,
  passwords: passwordRows,
})
