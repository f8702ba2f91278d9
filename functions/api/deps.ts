/** What the app origin is made from, and what every request carries once its asker is known. */
import type { Context } from 'hono'
import type { Auth } from '../auth/auth.ts'
import type { Limits } from '../core/limits.ts'
import type { Clock, Log } from '../core/ports.ts'
import type { Principal } from '../core/principal.ts'
import type { Launcher } from '../launcher/types.ts'

export type ApiDeps = {
  launcher: Launcher
  auth: Auth
  limits: Limits
  clock: Clock
  log: Log
  /** As browsers see them: scheme, host and port, without a path. */
  appOrigin: string
  viewOrigin: string
  /** The client's address as far as it can be trusted; attempts at passwords are counted by it. */
  clientAddress(c: Context): string
  /** Largest CSV that a gate may save, bytes. */
  vaultBodyBytes?: number
}

/** A million cells with a name and three labels each. */
export const defaultVaultBodyBytes = 128 * 2 ** 20

/** Largest file of labels that a person may upload, bytes. */
export const uploadBytes = 64 * 2 ** 20

/** What of it may come in one body. Some platforms pass on less: the rest is put elsewhere first, as pages do by themselves. */
export const uploadLimit = (directBytes: number | null): { bytes: number; advice: string } =>
  directBytes === null || directBytes >= uploadBytes
    ? { bytes: uploadBytes, advice: '' }
    : {
        bytes: directBytes,
        advice: ` A larger file of labels goes by the API: see “Upload a large file of labels” in /openapi.json.`,
      }

/** Largest body of anything else: names, passwords, a link's secret. */
export const smallBodyBytes = 64 * 2 ** 10

export type Env = { Variables: { who: Principal } }
