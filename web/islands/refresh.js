/**
 * Loads the page again when what it shows will be different soon, while somebody looks and nobody is in the middle of it:
 * a page that reloads by itself takes the focus away, and what was typed into the search.
 */
const everyMs = Number(document.body.dataset.refreshSeconds) * 1000

function reload() {
  if (document.visibilityState === 'visible' && !document.activeElement?.closest('main')) location.reload()
}

if (everyMs > 0) setInterval(reload, everyMs)
