// Refuses a Node that the launcher does not run on, before anything is installed with it.
import { SetupError } from './words.mjs'

const oldestNode = 20

/** @param {string} version as `process.versions.node` */
export function checkNode(version) {
  if (Number(version.split('.')[0]) >= oldestNode) return
  throw new SetupError(
    `This is Node ${version}; Node ${oldestNode} or newer is needed. Install a current one from nodejs.org or with nvm, and start again.`,
  )
}
