/** The bar's words when the page's file is another one now, or gone: what becomes of what is not saved. Pure. */
import { type BarView, say } from './bar-view.ts'
import { type Model, savedLabels, unsavedFile } from './model.ts'
import { kindsInWords } from './words.ts'

const what = {
  changed: 'The dataset’s file was replaced while this page was open.',
  removed: 'The dataset’s file was removed.',
}

export function movedBar(model: Model): BarView | null {
  const { moved, saves, unsent, kept, trouble, mode } = model
  // Who can't be known, can't be told where their work is; and signing in comes first.
  if (moved === null || trouble?.kind === 'signed-out' || trouble?.kind === 'owner-changed') return null
  if (trouble?.kind === 'link-over') return null
  const failed = saves.flatMap(({ kind, save }) => (save.state === 'not-kept' ? [{ kind, save }] : []))[0]
  if (failed !== undefined)
    return say(
      `${what[moved]} Your unsaved ${kindsInWords([failed.kind])} could not be brought over: ${failed.save.problem.detail || failed.save.problem.title} They are still in this page: download them before you close it.`,
      [
        { ...unsavedFile, primary: true },
        { label: 'Try again', action: { do: 'go-on', kind: failed.kind } },
      ],
      true,
    )
  if (mode === 'annotate' && (saves.length > 0 || unsent)) {
    const offline = trouble?.kind === 'offline'
    const doing = offline
      ? 'There is no connection; your unsaved changes are kept as soon as there is.'
      : 'Keeping your unsaved changes…'
    return say(`${what[moved]} ${doing}`, offline ? [unsavedFile] : [], true)
  }
  const mine = kept.length > 0 ? `Your unsaved ${kindsInWords(kept)} are kept, too.` : ''
  if (moved === 'removed')
    return say(
      `${what.removed} ${mode === 'annotate' ? `Your labels are kept and can be downloaded. ${mine}` : ''}`,
      mode === 'annotate' ? [{ ...savedLabels(model), primary: true }] : [],
      true,
    )
  const over = mode === 'annotate' ? `Labels are brought over by cell name. ${mine}` : ''
  return say(
    `${what.changed} ${over}`,
    [{ label: 'Open the new file', action: { do: 'open-new' }, primary: true }],
    true,
  )
}
