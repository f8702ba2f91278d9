/** Amazon's own DynamoDB Local, in memory, on a free port: the second judge of the store's contract suites. */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { freePort } from './free-port.ts'
import { tool } from './tools.ts'

export type DynamoDbLocal = {
  endpoint: string
  stop(): Promise<void>
}

export async function startDynamoDbLocal(): Promise<DynamoDbLocal> {
  const folder = tool('CXOD_TEST_DYNAMODB_LOCAL')
  const port = await freePort()
  const args = [
    `-Djava.library.path=${path.join(folder, 'DynamoDBLocal_lib')}`,
    '-Xmx256m',
    '-jar',
    'DynamoDBLocal.jar',
    '-inMemory',
    '-disableTelemetry',
    '-port',
    String(port),
  ]
  const child = spawn(tool('CXOD_TEST_JAVA'), args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] })
  let said = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', (text) => (said = (said + text).slice(-2000)))
  const gone = new Promise<string>((resolve) => {
    child.once('error', (error) => resolve(error.message))
    child.once('exit', (code) => resolve(`exit code ${code}: ${said}`))
  })
  const endpoint = `http://127.0.0.1:${port}`
  await Promise.race([
    answers(endpoint),
    gone.then((why) => Promise.reject(new Error(`DynamoDB Local did not start (${why}).`))),
  ])
  return {
    endpoint,
    stop: async () => {
      child.kill('SIGKILL')
      await gone
    },
  }
}

/** Any HTTP answer will do: without credentials it is a 400. */
async function answers(endpoint: string): Promise<void> {
  for (let left = 900; left > 0; left -= 1) {
    const answer = await fetch(endpoint).catch(() => null)
    if (answer !== null) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error('DynamoDB Local did not answer within 90 s.')
}
