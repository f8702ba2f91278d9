/** People of a launcher that runs as a process: made by the command that administrators use, signed in as browsers do. */
import { spawn } from 'node:child_process'
import path from 'node:path'
import type { Page } from 'playwright-core'
import { projectRoot } from '../../functions/setup/python.ts'
import type { LauncherProcess } from './launcher-process.ts'
import { keepOutput, recordSecret } from './suite-record.ts'

export const password = 'correct horse battery staple'

/** `npm run users -- add NAME …`, with the password on standard input. */
export async function addUser(stateDir: string, name: string, ...options: string[]): Promise<void> {
  const program = path.join(projectRoot(), 'functions', 'setup', 'users.mjs')
  const child = spawn(process.execPath, [program, 'add', name, ...options, '--state', stateDir], {
    stdio: ['pipe', 'pipe', 'pipe'],
  })
  recordSecret('password', password)
  const keep = keepOutput('users')
  let said = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (text) => {
      said += text
      keep(text)
    })
  child.stdin.end(`${password}\n`)
  const code = await new Promise((resolve) => child.once('close', resolve))
  if (code !== 0) throw new Error(`users add ${name}: ${said}`)
}

export async function signIn(page: Page, launcher: LauncherProcess, name: string): Promise<void> {
  await page.goto(`${launcher.appUrl}/sign-in`)
  await page.fill('input[name="name"]', name)
  await page.fill('input[name="password"]', password)
  await page.click('form button[type="submit"]')
  await page.waitForURL(`${launcher.appUrl}/`)
}
