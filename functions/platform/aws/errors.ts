/** What AWS's SDK throws, in the launcher's words. */
import { LauncherError } from '../../core/errors.ts'

/** The error's name as AWS documents it (`NoSuchKey`, `ThrottlingException`), or empty. */
export const awsName = (error: unknown): string => (error instanceof Error ? error.name : '')

/** HTTP status of an answer that was an error; null when there was no answer. */
export function awsStatus(error: unknown): number | null {
  if (typeof error !== 'object' || error === null || !('$metadata' in error)) return null
  const metadata: unknown = error.$metadata
  if (typeof metadata !== 'object' || metadata === null || !('httpStatusCode' in metadata)) return null
  return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : null
}

/** @param what the part that is down, as in “The bucket with the data files” */
export function unavailable(what: string, error: unknown): LauncherError {
  const reason = awsName(error) || 'unknown'
  return new LauncherError(
    'unavailable',
    `${what} can’t be reached now (${reason}). Nothing is lost; it is tried again. If it stays so, ask whoever runs this launcher.`,
    { reason },
    { cause: error },
  )
}
