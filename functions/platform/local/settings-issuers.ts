/** Reads the file of identity providers. Checked when the launcher starts, so that a slip is not found by the first user. */
import { z } from 'zod'
import type { IssuerSetting } from './settings.ts'
import type { Parsed } from './settings-values.ts'

const issuerFile = z.array(
  z.strictObject({
    /** `local` is the prefix of the launcher's own password users. */
    name: z
      .string()
      .regex(/^[a-z0-9-]{1,32}$/, 'use a-z, 0-9 and -')
      .refine((name) => name !== 'local', '"local" is taken by the launcher’s own users'),
    issuer: z.string().min(1),
    audience: z.string().min(1),
    jwksUrl: z.url({ protocol: /^https?$/ }),
    groupsClaim: z.string().min(1).nullable().default(null),
  }),
)

/** @param read the file system, as `readFileSync` */
export function parseIssuers(file: string, read: (file: string, encoding: 'utf8') => string): Parsed<IssuerSetting[]> {
  let json: unknown
  try {
    json = JSON.parse(read(file, 'utf8'))
  } catch (error) {
    return { problem: `${file} can't be read as JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
  const parsed = issuerFile.safeParse(json)
  if (!parsed.success)
    return {
      problem: `${file}: ${parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`).join('; ')}`,
    }
  const names = parsed.data.map((one) => one.name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) return { problem: `${file}: two issuers are named "${twice}"; owner ids would clash.` }
  return { value: parsed.data }
}
