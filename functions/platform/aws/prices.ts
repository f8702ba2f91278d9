/** What a running task costs: AWS's list prices, of one region and one day, so that a sum can say where it comes from. */

export const prices = {
  region: 'us-east-1',
  readIn: 'September 2026',
  source: 'https://aws.amazon.com/fargate/pricing/, https://aws.amazon.com/vpc/pricing/',
  /** US dollars an hour: per vCPU, per GB of memory. */
  fargate: {
    arm64: { onDemand: { vcpu: 0.03238, gb: 0.00356 }, spot: { vcpu: 0.0103, gb: 0.0011 } },
    x86_64: { onDemand: { vcpu: 0.04048, gb: 0.004445 }, spot: { vcpu: 0.0129, gb: 0.0014 } },
  },
  /** US dollars an hour for each public address; a task has one. */
  publicAddress: 0.005,
} as const

export type TaskKind = { vcpu: number; memoryMiB: number; spot: boolean; architecture: 'arm64' | 'x86_64' }

/** US dollars an hour of one task with a public address; disk beyond the free 20 GiB and traffic left out. */
export function taskPerHour({ vcpu, memoryMiB, spot, architecture }: TaskKind): number {
  const rate = prices.fargate[architecture][spot ? 'spot' : 'onDemand']
  return vcpu * rate.vcpu + (memoryMiB / 1024) * rate.gb + prices.publicAddress
}
