/** Words for amounts and durations. */
import type { LobbyStatus } from '../../functions/api/contract/lobby.ts'
import type { SaveKind } from './base.ts'

export function bytes(count: number): string {
  const mb = count / 1e6
  if (mb < 10) return `${mb.toFixed(1)} MB`
  return mb < 1000 ? `${Math.round(mb)} MB` : `${(mb / 1000).toFixed(1)} GB`
}

/** `1:05`; minutes and seconds, rounded up so that it never shows 0:00 too soon. */
export function clockTime(ms: number): string {
  const seconds = Math.ceil(ms / 1000)
  return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`
}

export function ago(ms: number | null): string {
  if (ms === null) return 'meanwhile'
  const minutes = Math.round(ms / 60_000)
  if (minutes < 1) return 'less than a minute ago'
  if (minutes < 60) return minutes === 1 ? 'a minute ago' : `${minutes} minutes ago`
  const hours = Math.round(minutes / 60)
  if (hours < 36) return hours === 1 ? 'an hour ago' : `${hours} hours ago`
  return `${Math.round(hours / 24)} days ago`
}

export const memory = (mib: number): string => (mib < 1024 ? `${mib} MB` : `${Math.round(mib / 1024)} GB`)

/** What a starting viewer is doing, as it reported it. */
export function stageWords(status: LobbyStatus): string {
  switch (status.stage) {
    case 'downloading':
      return status.totalBytes > 0
        ? `Downloading the file: ${bytes(status.doneBytes)} of ${bytes(status.totalBytes)}`
        : 'Downloading the file'
    case 'loading':
      return status.totalBytes > 0
        ? `cellxgene is loading the file (${bytes(status.totalBytes)})`
        : 'cellxgene is loading the file'
    case 'opening':
      return 'cellxgene is opening the dataset'
    default:
      return 'Your viewer is starting'
  }
}

/** With commas between thousands. */
export const number = (count: number): string => count.toLocaleString('en')

const kindNames: Record<SaveKind, string> = { labels: 'labels', genesets: 'gene sets' }

export const kindsInWords = (kinds: readonly SaveKind[]): string => listed(kinds.map((kind) => kindNames[kind]))

/** `a, b and c` */
export const listed = (items: readonly string[]): string =>
  items.length < 2 ? items.join('') : `${items.slice(0, -1).join(', ')} and ${items.at(-1)}`

/** `1st`, `2nd`, `11th` */
export function ordinal(place: number): string {
  const tens = place % 100
  const ending = tens > 10 && tens < 14 ? 'th' : (['th', 'st', 'nd', 'rd'][place % 10] ?? 'th')
  return `${number(place)}${ending}`
}

/** Where in the line. */
export function inLine({ queue }: LobbyStatus): string {
  if (queue === null) return 'You are in line for a viewer.'
  return queue.position <= 1
    ? 'You are next in line for a viewer.'
    : `You are ${ordinal(queue.position)} in line for a viewer.`
}
