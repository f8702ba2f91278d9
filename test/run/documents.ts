/** Parts of documents that are generated: written by `npm run docs`, and checked for drift by `npm test`. */
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { settingsMarkdown } from '../../functions/platform/local/settings-table.mjs'
import { deploySettingsMarkdown } from '../../infra/settings.ts'
import { idleCostsMarkdown, sessionCostsMarkdown } from './cost-tables.ts'

/** A generated part stands between `<!-- name:start -->` and `<!-- name:end -->`. */
const parts: readonly { file: string; name: string; make(): string }[] = [
  { file: 'README.md', name: 'settings', make: settingsMarkdown },
  { file: 'infra/README.md', name: 'deploy-settings', make: deploySettingsMarkdown },
  { file: 'infra/README.md', name: 'idle-costs', make: idleCostsMarkdown },
  { file: 'infra/README.md', name: 'session-costs', make: sessionCostsMarkdown },
]

/** @returns what is out of date, in words; empty when nothing is */
export function documentsDrift(root: string): string[] {
  return parts.flatMap(({ file, name, make }) => {
    const text = readFileSync(path.join(root, file), 'utf8')
    if (renew(text, name, make()) === text) return []
    return [`${file}: the part "${name}" is not what the code says. Run: npm run docs`]
  })
}

export function writeDocuments(root: string): void {
  for (const { file, name, make } of parts) {
    const target = path.join(root, file)
    writeFileSync(target, renew(readFileSync(target, 'utf8'), name, make()))
  }
}

/** @returns the text with the part replaced; throws when the marks are not there: then nothing would ever be checked */
export function renew(text: string, name: string, content: string): string {
  const [start, end] = [`<!-- ${name}:start -->`, `<!-- ${name}:end -->`]
  const [from, to] = [text.indexOf(start), text.indexOf(end)]
  if (from < 0 || to < from) throw new Error(`The marks ${start} … ${end} are missing.`)
  return `${text.slice(0, from + start.length)}\n${content}\n${text.slice(to)}`
}
