/** Reads the file of identity providers. Checked when the launcher starts, so that a slip is not found by the first user. */
import { issuerList } from '../issuer-list.ts'
import type { IssuerSetting } from './settings.ts'
import type { Parsed } from './settings-values.ts'

/** @param read the file system, as `readFileSync` */
export function parseIssuers(file: string, read: (file: string, encoding: 'utf8') => string): Parsed<IssuerSetting[]> {
  let json: unknown
  try {
    json = JSON.parse(read(file, 'utf8'))
  } catch (error) {
    return { problem: `${file} can't be read as JSON: ${error instanceof Error ? error.message : String(error)}` }
  }
  const parsed = issuerList.safeParse(json)
  if (!parsed.success)
    return {
      problem: `${file}: ${parsed.error.issues.map((issue) => `${issue.path.join('.') || 'the file'}: ${issue.message}`).join('; ')}`,
    }
  const names = parsed.data.map((one) => one.name)
  const twice = names.find((name, at) => names.indexOf(name) !== at)
  if (twice !== undefined) return { problem: `${file}: two issuers are named "${twice}"; owner ids would clash.` }
  return { value: parsed.data }
}
