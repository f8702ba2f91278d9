/** The programs in dist/, as `npm start` builds them, for tests that run them: up to date whenever this returns. */
import path from 'node:path'
import { build } from '../../functions/setup/build.mjs'
import { projectRoot } from '../../functions/setup/python.ts'

/** @returns the folder dist */
export async function builtPrograms(): Promise<string> {
  await build(projectRoot())
  return path.join(projectRoot(), 'dist')
}
