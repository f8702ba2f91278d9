/** Where to go after signing in: a path of ours, and never somebody else's site. */

/** @returns path and query of `text` when it stays on `origin`; `/` for everything else */
export function returnPath(text: string | undefined, origin: string): string {
  // Browsers read `//host`, `/\host` and control characters in ways of their own; a URL parser reads them as they do.
  if (text === undefined || !text.startsWith('/') || !URL.canParse(text, origin)) return '/'
  const url = new URL(text, origin)
  return url.origin === origin ? `${url.pathname}${url.search}` : '/'
}

export const signInAddress = (returnTo: string): string =>
  returnTo === '/' ? '/sign-in' : `/sign-in?return=${encodeURIComponent(returnTo)}`
