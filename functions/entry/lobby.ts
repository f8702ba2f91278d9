/** Lambda of the view origin. */
import { lobbyHandler } from '../platform/aws/lobby.ts'

export const handler = lobbyHandler(import.meta.dirname)
