/** The bar's words for saves that did not just go through. Pure. */
import { type BarView, say } from './bar-view.ts'
import type { SaveKind } from './base.ts'
import { type Model, unsavedFile } from './model.ts'
import type { Newer } from './saves.ts'
import { ago, kindsInWords } from './words.ts'

export function saveBar(model: Model): BarView | null {
  for (const { kind, save } of model.saves) {
    const mine = kindsInWords([kind])
    if (save.state === 'conflict') return conflict(model, kind, save.newer)
    if (save.state === 'keeping') return say(`Keeping both: your ${mine} are added to what is there…`)
    if (save.state === 'not-kept')
      return say(
        `Your ${mine} could not be added to the others. ${save.problem.detail || save.problem.title} They are still in this page.`,
        [{ label: 'Try again', action: { do: 'go-on', kind }, primary: true }, unsavedFile],
        true,
      )
    if (save.state === 'gave-up')
      return say(
        `Your ${mine} could not be saved, though it was tried again. They are still in this page.`,
        [{ label: 'Try again', action: { do: 'go-on', kind }, primary: true }, unsavedFile],
        true,
      )
    if (save.state === 'refused')
      return say(
        `Your ${mine} were not saved. ${save.problem.title}. ${save.problem.detail}`,
        [{ label: 'Try now', action: { do: 'go-on', kind } }, unsavedFile],
        true,
      )
  }
  return model.kept.length > 0 ? say('Both are kept. The page is loaded again…') : null
}

function conflict(model: Model, kind: SaveKind, { savedBy, agoMs }: Newer): BarView {
  const own = savedBy === model.userName
  const [who, theirs] = own ? ['You', 'the other'] : [savedBy || 'Somebody', 'theirs']
  const what = kindsInWords([kind])
  if (model.dropping === kind)
    return say(
      `Take ${theirs}: the page is loaded again, and what you changed in your ${what} since you opened it is gone, unless you download it first.`,
      [
        unsavedFile,
        { label: `Take ${theirs}`, action: { do: 'drop-now', kind }, primary: true },
        { label: 'Back', action: { do: 'back' } },
      ],
      true,
    )
  const where = own ? ', in another tab or window, on another device or by a restore' : ''
  return say(
    `${who} saved other ${what} ${ago(agoMs)}${where}. Yours are not saved yet. “Keep both” adds yours beside ${theirs}; “Keep mine” replaces ${theirs}, which stays in the history.`,
    [
      { label: 'Keep both', action: { do: 'keep-both', kind }, primary: true },
      { label: 'Keep mine', action: { do: 'go-on', kind } },
      { label: `Take ${theirs}`, action: { do: 'drop', kind } },
    ],
    true,
  )
}
