/** What differs between stages, the settings of a deploy, and the names that everything shares. */
import { createHash } from 'node:crypto'
import { defaultLimits } from '../functions/core/limits.ts'
import { taskShape } from '../functions/platform/aws/settings.ts'
import type { Setting } from './settings.ts'

const isProduction = $app.stage === 'production'

/** Whether data, and what leads to it, outlive a mistake: sst.config.ts says so of production, until it is given up. */
export const isKept = $app.protect === true

/** As `cellxgene-on-demand-<stage>-<what>`. */
export const named = (what: string): string => `${$app.name}-${$app.stage}-${what}`

/** For names of at most 32 characters (load balancer, target groups): `cxod-<stage>-<hash>-<what>`. */
export const shortNamed = (what: string): string => {
  const hash = createHash('sha256').update(`${$app.name}/${$app.stage}`).digest('hex').slice(0, 6)
  return `cxod-${$app.stage.slice(0, 15).replace(/-+$/, '')}-${hash}-${what}`
}

const setting = (name: Setting, otherwise: number, most: number): number => number(name, most) ?? otherwise

/** A whole number of the environment; undefined when it is not set. */
export function number(name: Setting, most: number): number | undefined {
  const given = process.env[name]
  if (given === undefined || given === '') return undefined
  const value = Number(given)
  if (Number.isInteger(value) && value > 0 && value <= most) return value
  throw new Error(`${name}=${given} can't be used: a whole number from 1 to ${most}.`)
}

/** A text of the environment; undefined when it is not set or empty. */
export const text = (name: Setting): string | undefined => process.env[name]?.trim() || undefined

/** Viewers at once. A load balancer has at most 100 target groups, which is not adjustable. */
export const slotCount = setting('CXOD_SLOTS', 20, 100)

/** Longest life of a viewer, hours; the launcher's own default where nothing is set. */
export const lifetimeHours = setting('CXOD_LIFETIME_HOURS', defaultLimits.lifetimeMs / 3_600_000, 72)

/** How long logs are kept, days; one of CloudWatch's own steps. */
export const logDays = isProduction ? 90 : 14

/** Where gates listen. */
export const gatePort = taskShape.gatePort
