/** What differs between stages, and the names that everything shares. */

export const isProduction = $app.stage === 'production'

/** As `cellxgene-on-demand-<stage>-<what>`. */
export const named = (what: string): string => `${$app.name}-${$app.stage}-${what}`

const setting = (name: string, otherwise: number, most: number): number => {
  const given = process.env[name]
  const value = given === undefined ? otherwise : Number(given)
  if (Number.isInteger(value) && value > 0 && value <= most) return value
  throw new Error(`${name}=${given} can't be used: a whole number from 1 to ${most}.`)
}

/** Viewers at once. A load balancer has at most 100 target groups, which is not adjustable. */
export const slotCount = setting('CXOD_SLOTS', 20, 100)

/** How long logs are kept, days; one of CloudWatch's own steps. */
export const logDays = isProduction ? 90 : 14

/** Where gates listen. */
export const gatePort = 8080
