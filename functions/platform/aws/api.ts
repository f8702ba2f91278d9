/** The app origin as a Lambda: HTTP API, pages, and the gates' calls. */
import { createApp } from '../../api/app.ts'
import { readWebAssets } from '../../api/pages/assets.ts'
import { createAuth } from '../../auth/auth.ts'
import { createLoginStore } from '../dynamo/logins.ts'
import { createOnceStore } from '../dynamo/once.ts'
import { createUserStore } from '../dynamo/users.ts'
import { clientAddress, type HttpHandler, httpHandler } from './http.ts'

/** @param webDir the pages' files, beside the bundle */
export function apiHandler(webDir: string): HttpHandler {
  return httpHandler(async ({ deployment, table, links, keys, clock, log, limits, launcher }) => {
    const { appOrigin, viewOrigin, issuers } = deployment
    const auth = createAuth({
      links,
      users: createUserStore(table),
      logins: createLoginStore(table),
      once: createOnceStore(table),
      clock,
      log,
      keys,
      limits,
      appOrigin,
      issuers,
    })
    const assets = await readWebAssets(webDir)
    return createApp({ launcher, auth, limits, clock, log, appOrigin, viewOrigin, assets, clientAddress })
  })
}
