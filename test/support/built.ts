/** The programs in dist/, as `npm start` builds them, for tests that run them: up to date whenever this returns. */
import path from 'node:path'
import { build } from '../../functions/setup/build.mjs'
import { buildAws } from '../../functions/setup/build-aws.mjs'
import { projectRoot, serverDirOf } from '../../functions/setup/python.ts'
import { testPython } from './tools.ts'

/** @returns the folder dist */
export async function builtPrograms(): Promise<string> {
  await build(projectRoot())
  return path.join(projectRoot(), 'dist')
}

/** @returns the folder with one folder per Lambda, as `sst deploy` would upload them */
export const builtLambdas = (): Promise<string> => buildAws(projectRoot(), serverDirOf(testPython()))
