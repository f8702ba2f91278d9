/** Numbers and times as people read them. The server knows no time zone: times are UTC until the browser puts them right. */

export function count(value: number): string {
  return value.toLocaleString('en-US')
}

/** 1234567 → `1.2 MB`, in powers of ten as file managers show them. */
export function bytes(value: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let size = value
  let unit = 0
  while (size >= 999.5 && unit < units.length - 1) {
    size /= 1000
    unit += 1
  }
  return `${unit === 0 || size >= 99.5 ? Math.round(size) : size.toFixed(1).replace(/\.0$/, '')} ${units[unit]}`
}

/** 1024 → `1 GiB`; memory comes in powers of two. */
export function memory(mib: number): string {
  return mib < 1024 ? `${mib} MiB` : `${Number((mib / 1024).toFixed(1))} GiB`
}

export function processors(vcpu: number): string {
  if (vcpu === 0.5) return 'half a processor'
  return vcpu === 1 ? '1 processor' : `${vcpu} processors`
}

/** 90 000 ms → `1 min`; the two largest units that count, never less than a minute. */
export function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000)
  if (minutes < 1) return 'less than a minute'
  if (minutes < 60) return `${minutes} min`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return minutes % 60 === 0 ? `${hours} h` : `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} days`
}

/** `2026-11-20 09:30 UTC` */
export function utc(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 16).replace('T', ' ')} UTC`
}

/** Being looked at or copied: it will be something else in a moment, and pages that show it load again. */
export const isPassing = ({ state }: { state: string }): boolean => state === 'checking' || state === 'copying'
