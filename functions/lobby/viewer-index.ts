/**
 * cellxgene's own page, taken from the installed Python package and cut into pieces at start-up, so that a request only
 * joins them with its nonce and with what the lobby puts before `<div id="root">`.
 */
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LauncherError } from '../core/errors.ts'

export type ViewerIndex = (fill: { nonce: string; head: string; beforeRoot: string }) => string

const root = '<div id="root"></div>'
// Control characters never occur in the template, so they can't be mistaken for its text.
const nonceMark = '\u0001'
const cutMark = '\u0002'

/**
 * @param serverDir cellxgene's Python package `server` (in site-packages)
 * @throws `bad-setting` when the template is not one that we know how to fill
 */
export function readViewerIndex(serverDir: string): ViewerIndex {
  const file = join(serverDir, 'common', 'web', 'templates', 'index.html')
  let template: string
  try {
    template = readFileSync(file, 'utf8')
  } catch (cause) {
    throw new LauncherError('bad-setting', `cellxgene’s page can’t be read: ${file} is missing.`, {}, { cause })
  }
  return cutViewerIndex(template)
}

/** @param template a Jinja template whose only directives are the loops over SCRIPTS and INLINE_SCRIPTS, which we leave empty */
export function cutViewerIndex(template: string): ViewerIndex {
  const html = template
    .replace(/\{%-?\s*for\s[\s\S]*?\{%-?\s*endfor\s*-?%\}/g, '')
    // The package names this file but does not contain it: 404 in the original too.
    .replace(/<script defer src="obsolete\.js"><\/script>/, '')
    // One address for all datasets, so that a browser fetches 2.5 MB once and not once per dataset.
    .replace(/(src|href)="static\//g, '$1="../static/')
    // The page has its dataset's name from the start: several tabs wait at once.
    .replace(/<title>[^<]*<\/title>/, '')
    .replace('</head>', `${cutMark}</head>`)
    .replace(/<script\b/g, `<script nonce="${nonceMark}"`)
  if (/\{[{%]/.test(html) || html.split(root).length !== 2 || !html.includes('<script') || !html.includes(cutMark))
    throw new LauncherError(
      'bad-setting',
      'This version of cellxgene has a page that the launcher does not know. Install the version named in functions/viewer/requirements.in.',
    )
  const [head = '', before = '', after = ''] = html.replace(root, cutMark + root).split(cutMark)
  return (fill) => {
    const known = (text: string) => text.replaceAll(nonceMark, fill.nonce)
    return known(head) + fill.head + known(before) + fill.beforeRoot + known(after)
  }
}
