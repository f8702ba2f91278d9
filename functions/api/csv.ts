/** A CSV as a download, or the way to it where it is too large to be answered directly. */
import type { Context } from 'hono'
import type { Launcher } from '../launcher/types.ts'

/** @param name of the file, safe in a header */
export async function csv(
  c: Context,
  launcher: Pick<Launcher, 'lend'>,
  body: Uint8Array,
  name: string,
): Promise<Response> {
  const elsewhere = await launcher.lend(body, name)
  if (elsewhere !== null) return c.redirect(elsewhere, 307)
  return c.body(new Uint8Array(body), 200, {
    'content-type': 'text/csv; charset=utf-8',
    'content-disposition': `attachment; filename="${name}"`,
  })
}
