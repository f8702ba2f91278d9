/** The bar's words for what no viewer could mend: no connection, signed out, somebody else, a link that is over. Pure. */
import { type BarView, say } from './bar-view.ts'
import { type Button, type Model, unsavedFile } from './model.ts'

export function troubleBar({ trouble, saves, unsent, userName, guest, mode }: Model): BarView | null {
  const unsaved = mode === 'annotate' && (saves.length > 0 || unsent)
  const kept = unsaved ? ' What is not saved yet stays in this page.' : ''
  /** The last resort: only where nothing on this page can save it for sure. */
  const file: Button[] = unsaved ? [unsavedFile] : []
  switch (trouble?.kind) {
    case undefined:
    // The bar of a page whose file has moved says it.
    case 'dataset-changed':
      return null
    case 'offline':
      return say(
        `No connection to the launcher; trying again.${unsaved ? ' Your changes wait and are saved then.' : ''}`,
      )
    case 'signed-out':
      return say(
        guest
          ? `You are signed out; open your link again in another tab to go on here.${kept}`
          : `You are signed out.${kept}`,
        [...(guest ? [] : [{ label: 'Sign in again', action: { do: 'sign-in' }, primary: true } as const]), ...file],
        true,
      )
    case 'owner-changed':
      return say(
        `${trouble.detail} Sign in as ${userName} again to go on here.${kept}`,
        [
          { label: `Sign in as ${userName}`, action: { do: 'sign-in' }, primary: true },
          ...file,
          { label: 'Load the page anew', action: { do: 'reload' } },
        ],
        true,
      )
    case 'link-over':
      return say(
        `${trouble.title}. ${trouble.detail}${kept} ${mode === 'annotate' ? 'What was saved before is kept.' : ''}`,
        file,
        true,
      )
    case 'refused':
      return say(
        `${trouble.title}. ${trouble.detail}${kept}`,
        [{ label: 'Try again', action: { do: 'retry' } }, ...file],
        true,
      )
  }
}
