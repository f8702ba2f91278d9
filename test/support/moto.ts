/** moto as a process on loopback: it plays S3, ECS and Elastic Load Balancing for the AWS adapters. */
import { spawn } from 'node:child_process'
import { freePort } from './free-port.ts'
import { tool } from './tools.ts'

export type Moto = {
  endpoint: string
  /** What an AWS client needs to talk to it; the keys are no secrets. */
  clientConfig: {
    endpoint: string
    region: string
    credentials: { accessKeyId: string; secretAccessKey: string }
    maxAttempts: number
  }
  /** The network that every new account has. */
  network(): Promise<{ vpcId: string; subnetIds: string[] }>
  stop(): Promise<void>
}

export async function startMoto(): Promise<Moto> {
  const port = await freePort()
  const child = spawn(tool('CXOD_TEST_MOTO'), ['-I', '-m', 'moto.server', '-H', '127.0.0.1', '-p', String(port)], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Left to itself it lets pages of any origin do anything, whatever a bucket says of that (CORS).
    env: { PATH: process.env.PATH ?? '', AWS_EC2_METADATA_DISABLED: 'true', MOTO_DISABLE_GLOBAL_CORS: 'true' },
  })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said = (said + text).slice(-2000)))
  const gone = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code) => resolve(`exit code ${code}: ${said}`))
  })
  const endpoint = `http://127.0.0.1:${port}`
  await Promise.race([answers(endpoint), gone.then((why) => Promise.reject(new Error(`moto did not start (${why}).`)))])
  return {
    endpoint,
    clientConfig: {
      endpoint,
      region: 'us-east-1',
      credentials: { accessKeyId: 'test', secretAccessKey: 'test' },
      maxAttempts: 1,
    },
    async network() {
      const [vpcId = ''] = await ec2(endpoint, 'DescribeVpcs', 'vpcId')
      return { vpcId, subnetIds: await ec2(endpoint, 'DescribeSubnets', 'subnetId') }
    },
    async stop() {
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** Two questions in EC2's old query protocol: no reason for one more AWS client. */
async function ec2(endpoint: string, action: string, member: string): Promise<string[]> {
  const scope = 'Credential=test/20260101/us-east-1/ec2/aws4_request'
  const answer = await fetch(endpoint, {
    method: 'POST',
    headers: { authorization: `AWS4-HMAC-SHA256 ${scope}, SignedHeaders=host, Signature=none` },
    body: new URLSearchParams({ Action: action, Version: '2016-11-15' }),
  })
  const ids = [...(await answer.text()).matchAll(new RegExp(`<${member}>([^<]+)<`, 'g'))].map(([, id]) => id ?? '')
  return [...new Set(ids)]
}

async function answers(endpoint: string): Promise<void> {
  for (let left = 900; left > 0; left -= 1) {
    const answer = await fetch(`${endpoint}/moto-api/data.json`).catch(() => null)
    if (answer?.ok) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('moto did not answer within 90 s.')
}
