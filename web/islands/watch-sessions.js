/** Loads the page again when one of the reader's sessions has changed, while somebody is looking. */
const everyMs = 4000
const seen = document.querySelector('[data-sessions]')?.getAttribute('data-sessions')

/** @param {{ id: string, version: number, queue: { position: number } | null }[]} sessions */
const names = (sessions) =>
  sessions.map(({ id, version, queue }) => `${id}:${version}:${queue?.position ?? ''}`).join(' ')

async function look() {
  if (document.visibilityState !== 'visible') return
  const answer = await fetch('/api/sessions', { headers: { accept: 'application/json' } }).catch(() => null)
  if (answer?.status === 401) return location.reload()
  if (!answer?.ok) return
  const { items } = await answer.json()
  // Not under somebody's hands: a reload would take the focus from a button about to be pressed.
  if (names(items) !== seen && !document.activeElement?.closest('main form')) location.reload()
}

if (typeof seen === 'string') setInterval(look, everyMs)
