/** Tables of the guide for AWS, made from the figures that the program and the tests use. */
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

const dollars = (value: number): string => `$${value.toFixed(2)}`
