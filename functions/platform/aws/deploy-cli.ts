/** `npm run build:aws` and `npm run deploy`: what SST uploads is made first, for the processor that it will run on. */
import { spawn } from 'node:child_process'
import path from 'node:path'
import { buildAws } from '../../setup/build-aws.mjs'
import { addNativeModule } from '../../setup/native-module.mjs'
import { ensurePython, projectRoot, serverDirOf } from '../../setup/python.ts'
import { SetupError, say } from '../../setup/words.mjs'

const deployUsage = `npm run build:aws                         builds the Lambdas into dist/aws
npm run deploy -- --stage NAME [...]      builds them, then runs sst deploy with these words

infra/README.md says what must be there before.`

/** @returns exit code */
export async function runDeploy(argv: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  const [what, ...words] = argv
  if (words.includes('--help') || words.includes('-h')) {
    process.stdout.write(`${deployUsage}\n`)
    return 0
  }
  try {
    const root = projectRoot()
    if (what === 'deploy' && !words.some((word) => word.startsWith('--stage')))
      throw new SetupError(`Name the stage, so that nobody deploys over another’s by accident.\n\n${deployUsage}`)
    const python = await ensurePython({ folder: path.join(root, 'state', 'python'), wanted: env.CXOD_PYTHON ?? null })
    const out = await buildAws(root, serverDirOf(python))
    await addNativeModule(root, path.join(out, 'api'), '@node-rs/argon2', '@node-rs/argon2-linux-arm64-gnu')
    say(`The Lambdas are in ${path.relative(root, out)}.`)
    return what === 'deploy' ? await sst(root, ['deploy', ...words], env) : 0
  } catch (error) {
    if (!(error instanceof SetupError)) throw error
    process.stderr.write(`${error.message}\n`)
    return 1
  }
}

function sst(root: string, words: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  return new Promise((resolve) => {
    const child = spawn(path.join(root, 'node_modules', '.bin', 'sst'), words, { cwd: root, env, stdio: 'inherit' })
    child.once('error', (error) => {
      process.stderr.write(`sst could not be started: ${error.message}. Run npm install once.\n`)
      resolve(1)
    })
    child.once('exit', (code) => resolve(code ?? 1))
  })
}
