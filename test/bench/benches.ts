/** The benchmarks there are, by the name that `npm run bench` takes. */
import { bench as calls } from './aws-calls.ts'
import { bench as click } from './click-to-data.ts'
import { bench as cold } from './cold-start.ts'
import { bench as diffexp } from './diffexp.ts'
import { bench as gate } from './gate.ts'
import type { Bench } from './types.ts'

export const benches: Readonly<Record<string, Bench>> = { diffexp, click, gate, cold, calls }
