/** The view origin as a Lambda: a dataset's page, cellxgene's static files, and the companion's calls. */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { toProblem } from '../../api/problem.ts'
import { createLinks } from '../../auth/links.ts'
import { createLogins } from '../../auth/logins.ts'
import { parseGuestOwnerId } from '../../core/link.ts'
import { loadLobbyAssets } from '../../lobby/assets.ts'
import { createLobby } from '../../lobby/lobby.ts'
import { createLoginStore } from '../dynamo/logins.ts'
import { createOnceStore } from '../dynamo/once.ts'
import { createUserStore } from '../dynamo/users.ts'
import { type HttpHandler, httpHandler } from './http.ts'
import { recheckMs } from './platform.ts'

/** @param dir beside the bundle: `web`, `server` (of the package cellxgene) and `companion.js` */
export function lobbyHandler(dir: string): HttpHandler {
  return httpHandler(async ({ deployment, table, links: linkStore, keys, clock, log, limits, launcher }) => {
    const { appOrigin, viewOrigin } = deployment
    const once = createOnceStore(table)
    const loginStore = createLoginStore(table)
    // Not all of `createAuth`: passwords come with a native module, and this origin never sees one.
    const logins = createLogins({ logins: loginStore, users: createUserStore(table), clock })
    const links = createLinks({ links: linkStore, logins: loginStore, once, clock, keys, appOrigin })
    return createLobby({
      launcher,
      checkLogin: (loginId, ownerId) =>
        parseGuestOwnerId(ownerId) === null ? logins.check(loginId, ownerId) : links.checkLogin(loginId, ownerId),
      whyOver: links.whyOver,
      once,
      keys,
      clock,
      log,
      assets: await loadLobbyAssets({
        serverDir: join(dir, 'server'),
        webDir: join(dir, 'web'),
        companion: await readFile(join(dir, 'companion.js'), 'utf8'),
      }),
      appOrigin,
      viewOrigin,
      limits,
      problem: (error, at) => toProblem(error, { ...at, log }),
      recheckMs,
    })
  })
}
