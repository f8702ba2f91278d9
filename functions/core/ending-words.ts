/** Why a session ended, in words for a person: what happened, and what to do. One place for pages, API and lobby. */
import { loadWords, originalWords } from './load-words.ts'
import { type EndCause, failureCauses } from './session.ts'

export type EndingWords = {
  title: string
  remedy: string
  /** Something went wrong, as opposed to an end somebody wanted. */
  failure: boolean
  /** The viewer's or platform's own words, fit to be shown; null: none. */
  detail: string | null
}

const words: Record<EndCause, [title: string, remedy: string]> = {
  user: ['You stopped it.', 'Open the dataset again whenever you like; your annotations are kept.'],
  idle: ['It went to sleep because nobody used it.', 'Open the dataset again; your annotations are kept.'],
  lifetime: ['It reached the longest time a viewer may run.', 'Open the dataset again; your annotations are kept.'],
  shutdown: ['The launcher was stopped.', 'Open the dataset again; your annotations are kept.'],
  'dataset-changed': [
    'The data file was replaced or removed.',
    'Open the dataset again to work on the new file; your annotations are kept.',
  ],
  'not-started': ['It could not be started just now.', 'Try again in a minute; your annotations are kept.'],
  'start-timeout': ['It did not start in time.', 'Try again. If it happens twice, tell your administrator.'],
  'task-lost': [
    'The viewer ended unexpectedly.',
    'Open the dataset again; everything that was shown as saved is kept.',
  ],
  'out-of-memory': [
    'The viewer ran out of memory.',
    'Open it with more memory; everything that was shown as saved is kept.',
  ],
  'load-failed': [
    'CELLxGENE could not open the file.',
    'Ask whoever provides the file to check it; trying again will not help before it has changed.',
  ],
  'link-over': [
    'The link that it was opened by was taken back.',
    'What was shown as saved is kept. Ask whoever sent the link for another one.',
  ],
  left: [
    'It left the line because its page was closed.',
    'Open the dataset again to get in line; your annotations are kept.',
  ],
  refused: [
    'There was no room to start it.',
    'Stop another viewer, or try again when somebody else’s has gone to sleep.',
  ],
}

/** @param detail the viewer's own words, which say more where it could not load the file */
export function endingWords(cause: EndCause, detail: string | null = null): EndingWords {
  const [title, remedy] = words[cause]
  const failure = failureCauses.includes(cause)
  const shown = detail === null ? null : originalWords(detail)
  if (cause !== 'load-failed' || detail === null) return { title, remedy, failure, detail: shown }
  const load = loadWords(detail)
  return { title: load.cause, remedy: load.remedy, failure, detail: shown }
}
