/** What the quiet bar says once cellxgene is on the page: nothing, as long as all is well. Pure. */
import { type BarView, say } from './bar-view.ts'
import { type Button, type Model, savedLabels, startButtons, unsavedFile } from './model.ts'
import { movedBar } from './moved-bar.ts'
import { refusalButtons, refusalWords } from './refusal.ts'
import { saveBar } from './save-bar.ts'
import { toldWords } from './told.ts'
import { troubleBar } from './trouble-bar.ts'
import { clockTime, inLine, kindsInWords, listed, memory, stageWords } from './words.ts'

/** The most pressing thing first; null: no bar. */
export function barView(model: Model): BarView | null {
  return (
    movedBar(model) ??
    troubleBar(model) ??
    saveBar(model) ??
    // A viewer that is gone, and that nothing waits for, is less news than what it left undone.
    (model.waiting > 0 ? viewerBar(model) : null) ??
    lostBar(model) ??
    viewerBar(model) ??
    readOnlyBar(model) ??
    countdownBar(model) ??
    toldBar(model) ??
    newerBar(model) ??
    guestBar(model)
  )
}

/** The viewer is not there. */
function viewerBar(model: Model): BarView | null {
  const { status, refusal, here, waiting, saves, left } = model
  if (status === null || status.state === 'ready') return null
  const needed = waiting > 0
  const tail = saves.length > 0 ? ' Your changes wait and are saved then.' : ''
  const wake: Button[] = [{ label: 'Wake it', action: { do: 'wake' } }]
  if (refusal !== null && needed) {
    const { title, detail } = refusalWords(model, refusal)
    return say(`${title}. ${detail}${tail}`, refusalButtons(model, refusal), true)
  }
  switch (status.state) {
    case 'queued':
      return say(`${inLine(status)} It starts by itself; keep this page open.${tail}`, [
        { label: 'Leave the line', action: { do: 'leave' } },
      ])
    case 'starting': {
      const moving = status.stage === 'downloading'
      return say(
        `${moving ? 'Downloading the file' : stageWords(status)}…${tail}`,
        [],
        false,
        moving ? percent(model) : '',
      )
    }
    case 'stopping':
      return needed && !left ? say(`Your viewer is being put away, and starts again then.${tail}`) : null
    case 'failed':
      return say(
        `${status.problem?.title ?? 'The viewer failed'}. ${status.problem?.detail ?? ''}${tail}`,
        startButtons(status, memory),
        true,
      )
    case 'unusable':
      return say(
        `${status.problem?.title ?? ''}. ${status.problem?.detail ?? ''}${tail}`,
        saves.length > 0 ? [unsavedFile] : [],
        true,
      )
    case 'lost':
      if (needed && here) return say(`The viewer stopped unexpectedly and is coming back.${tail}`)
      return say(`The viewer stopped unexpectedly. It comes back when you need data.${tail}`, needed ? wake : [])
    default:
      if (left)
        return needed
          ? say(`You left the line. What you asked for comes when you have a viewer.${tail}`, [
              { label: 'Get in line again', action: { do: 'wake' } },
            ])
          : null
      if (needed && here) return say(`Your viewer is waking up.${tail}`)
      return say(`Your viewer is asleep. It wakes by itself when you need data.${tail}`, needed ? wake : [])
  }
}

const percent = ({ status }: Model): string =>
  status && status.totalBytes > 0 ? `${Math.floor((100 * status.doneBytes) / status.totalBytes)} %` : ''

function lostBar({ lost }: Model): BarView | null {
  if (lost.length === 0) return null
  return say(
    `Your last request (${listed(lost)}) could not be answered: the viewer stopped or did not answer, twice. It is not tried again by itself. Everything else on this page works.`,
    [
      { label: 'Try again', action: { do: 'again' }, primary: true },
      { label: 'Leave it', action: { do: 'leave-it' } },
    ],
    true,
  )
}

function readOnlyBar({ readOnly }: Model): BarView | null {
  if (!readOnly) return null
  return say(
    'This link is for looking only, so nothing that you make here is kept. Ask whoever sent it for one with which you can annotate.',
    [{ label: 'OK', action: { do: 'seen-read-only' } }],
    true,
  )
}

function countdownBar({ sleepsIn, warnMs }: Model): BarView | null {
  if (sleepsIn === null || sleepsIn.ms > warnMs) return null
  const time = clockTime(sleepsIn.ms)
  if (sleepsIn.ends)
    return say(
      'This viewer has run as long as one may. It ends soon, and starts anew when you need data.',
      [],
      false,
      time,
    )
  return say(
    'Nobody used your viewer for a while. It goes to sleep soon.',
    [{ label: 'Keep it running', action: { do: 'keep' }, primary: true }],
    false,
    time,
  )
}

function toldBar({ told }: Model): BarView | null {
  if (told.length === 0) return null
  return say(told.map(toldWords).join(' '), [{ label: 'OK', action: { do: 'told' }, primary: true }])
}

function newerBar({ newer, unsent }: Model): BarView | null {
  if (newer.length === 0) return null
  const what = kindsInWords(newer)
  // The next save asks what is to become of both.
  if (unsent) return null
  return say(`Newer ${what} were saved in another tab or window, on another device or by a restore.`, [
    { label: 'Load them', action: { do: 'load-newer' }, primary: true },
  ])
}

function guestBar(model: Model): BarView | null {
  if (!model.guest || model.quiet) return null
  const hide: Button = { label: 'Hide', action: { do: 'quiet' } }
  if (model.mode === 'view') return say(`Guest ${model.userName}: you may look, and nothing is saved.`, [hide])
  return say(`Guest ${model.userName}. Your labels are kept under this name.`, [savedLabels(model), hide])
}
