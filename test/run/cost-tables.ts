/** Tables of the guide for AWS, made from the figures that the program and the tests use. */
import { sizes, type TaskSize } from '../../functions/core/sizing.ts'
import { taskPerHour } from '../../functions/platform/aws/prices.ts'
import { idleCosts, idleDollarsPerMonth } from '../../infra/idle-costs.ts'

export function idleCostsMarkdown(): string {
  const rows = idleCosts.map(
    ({ item, price, perMonth, because, without }) =>
      `| ${item} | ${price} | ${dollars(perMonth)} | ${because} | ${without ?? '–'} |`,
  )
  return [
    '| what | price | a month | because | what it would take to be without it |',
    '|---|---|---|---|---|',
    ...rows,
    `| **together** |  | **${dollars(idleDollarsPerMonth)}** |  |  |`,
  ].join('\n')
}

export function sessionCostsMarkdown(): string {
  const perHour = (size: TaskSize, spot: boolean) => taskPerHour({ ...size, spot, architecture: 'arm64' })
  const rows = sizes.map(
    (size) =>
      `| ${size.memoryMiB / 1024} GB, ${size.vcpu} vCPU | ${cents(perHour(size, true))} | ${cents(perHour(size, false))} |`,
  )
  return ['| task | Spot | on demand |', '|---|---|---|', ...rows].join('\n')
}

const cents = (value: number): string => `$${value.toFixed(3)}`
const dollars = (value: number): string => `$${value.toFixed(2)}`
