/** Bodies of the vault that are too large for the way between their sender and the API, where there is such a bound. */
import type { UploadAnswer, UploadRequest } from '../api/contract/gate.ts'
import { LauncherError } from '../core/errors.ts'
import { modeOf, type Principal } from '../core/principal.ts'
import type { Context } from './context.ts'
import type { Uploaded } from './types.ts'

/**
 * @param whose only a call of the same may name it
 * @param around bytes that would come with it
 */
export async function offer({ ports }: Context, whose: string, body: UploadRequest, around = 0): Promise<UploadAnswer> {
  const { uploads } = ports.vault
  if (uploads === undefined || body.sizeBytes + around <= uploads.directBytes) return { status: 'direct' }
  return { status: 'url', ...(await uploads.offer(whose, body)) }
}

/** More than a form adds to its file. */
const formBytes = 64 * 2 ** 10

/** As `offer`, to a person, who may open the dataset. Throws `read-only`. */
export async function offerUpload(context: Context, who: Principal, body: UploadRequest): Promise<UploadAnswer> {
  if (modeOf(who) === 'view') throw new LauncherError('read-only', 'A link for looking keeps nothing.')
  return offer(context, who.id, body, formBytes)
}

export async function bodyOf({ ports }: Context, whose: string, given: Uint8Array | Uploaded): Promise<Uint8Array> {
  if (given instanceof Uint8Array) return given
  const { uploads } = ports.vault
  if (uploads === undefined)
    throw new LauncherError('bad-request', 'Nothing is uploaded beforehand here: send the body itself.')
  return uploads.take(whose, given.ref, given.mostBytes)
}

export async function lend({ ports }: Context, body: Uint8Array, fileName: string): Promise<string | null> {
  const { uploads } = ports.vault
  return uploads === undefined || body.byteLength <= uploads.directBytes ? null : uploads.lend(body, fileName)
}
