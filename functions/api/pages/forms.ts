/** Reads the fields of a submitted form. */
import type { Context } from 'hono'
import { LauncherError } from '../../core/errors.ts'

/** Texts only: no form of ours sends files. Throws `bad-request` for a body that is no form. */
export async function readForm(c: Context): Promise<ReadonlyMap<string, string>> {
  const type = c.req.header('content-type') ?? ''
  if (type !== '' && !/^application\/x-www-form-urlencoded\b/i.test(type))
    throw new LauncherError('bad-request', 'This address takes forms only.')
  return new Map(new URLSearchParams(await c.req.text()))
}

/** A field that must be there; throws `bad-request`. */
export function field(form: ReadonlyMap<string, string>, name: string, longest: number): string {
  const value = form.get(name) ?? ''
  if (value === '' || value.length > longest)
    throw new LauncherError(
      'bad-request',
      `The field “${name}” is missing or too long. Go back, fill it in and send it again.`,
    )
  return value
}
