/** What the quiet bar says once cellxgene is on the page: nothing, as long as all is well. Pure. */
import type { SaveKind } from './base.ts'
import { type Button, type Model, startButtons } from './model.ts'
import { ago, clockTime, memory, stageWords } from './words.ts'

export type BarView = {
  /** Read out when it changes, so nothing that ticks stands in it. */
  text: string
  ticking: string
  warn: boolean
  buttons: Button[]
}

const what: Record<SaveKind, string> = { labels: 'labels', genesets: 'gene sets' }

const say = (text: string, buttons: Button[] = [], warn = false, ticking = ''): BarView => ({
  text,
  buttons,
  warn,
  ticking,
})

/** The most pressing thing first; null: no bar. */
export function barView(model: Model): BarView | null {
  return troubleBar(model) ?? saveBar(model) ?? viewerBar(model) ?? lostBar(model) ?? countdownBar(model)
}

function troubleBar({ trouble, saves, userName }: Model): BarView | null {
  const unsaved = saves.length > 0
  const kept = unsaved ? ' What is not saved yet stays in this page.' : ''
  switch (trouble?.kind) {
    case undefined:
      return null
    case 'offline':
      return say(
        `No connection to the launcher; trying again.${unsaved ? ' Your changes wait and are saved then.' : ''}`,
      )
    case 'signed-out':
      return say(
        `You are signed out.${kept}`,
        [{ label: 'Sign in again', action: { do: 'sign-in' }, primary: true }],
        true,
      )
    case 'owner-changed':
      return say(
        `${trouble.detail} Sign in as ${userName} again to go on here.${kept}`,
        [
          { label: `Sign in as ${userName}`, action: { do: 'sign-in' }, primary: true },
          { label: 'Load the page anew', action: { do: 'reload' } },
        ],
        true,
      )
    case 'dataset-changed':
      return say(
        `The dataset’s file was replaced while this page was open, so nothing more can be saved from here. Labels saved before are carried over by cell name.${unsaved ? ' Your last change is not saved: note it before you go on.' : ''}`,
        [{ label: 'Load the new version', action: { do: 'reload' }, primary: true }],
        true,
      )
    case 'refused':
      return say(`${trouble.title}. ${trouble.detail}${kept}`, [{ label: 'Try again', action: { do: 'retry' } }], true)
  }
}

function saveBar({ saves, userName }: Model): BarView | null {
  for (const { kind, save } of saves) {
    if (save.state === 'conflict') {
      const { savedBy } = save.newer
      const who = savedBy === userName ? 'You' : savedBy || 'Somebody'
      return say(
        `${who} saved other ${what[kind]} ${ago(save.newer.agoMs)}, in another tab or window. Yours are not saved yet. The version you don’t keep stays in the history.`,
        [
          { label: 'Keep mine', action: { do: 'go-on', kind }, primary: true },
          { label: savedBy === userName ? 'Take the other' : 'Take theirs', action: { do: 'reload' } },
        ],
        true,
      )
    }
    if (save.state === 'gave-up')
      return say(
        `Your ${what[kind]} could not be saved, though it was tried again. They are still in this page.`,
        [{ label: 'Try again', action: { do: 'go-on', kind }, primary: true }],
        true,
      )
    if (save.state === 'refused')
      return say(
        `Your ${what[kind]} were not saved. ${save.problem.title}. ${save.problem.detail}`.trim(),
        [{ label: 'Try now', action: { do: 'go-on', kind } }],
        true,
      )
  }
  return null
}

/** The viewer is not there. */
function viewerBar(model: Model): BarView | null {
  const { status, refusal, here, waiting, saves } = model
  if (status === null || status.state === 'ready') return null
  const needed = waiting > 0
  const tail = saves.length > 0 ? ' Your changes wait and are saved then.' : ''
  const wake: Button[] = [{ label: 'Wake it', action: { do: 'wake' } }]
  if (refusal !== null && needed) {
    const { title, detail } = refusal.code === 'needs-click' && status.problem ? status.problem : refusal
    return say(`${title}. ${detail}${tail}`, startButtons(status, memory), true)
  }
  switch (status.state) {
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
      return needed ? say(`Your viewer is being put away, and starts again then.${tail}`) : null
    case 'failed':
      return say(
        `${status.problem?.title ?? 'The viewer failed'}. ${status.problem?.detail ?? ''}${tail}`,
        startButtons(status, memory),
        true,
      )
    case 'unusable':
      return say(`${status.problem?.title ?? ''}. ${status.problem?.detail ?? ''}`, [], true)
    case 'lost':
      if (needed && here) return say(`The viewer stopped unexpectedly and is coming back.${tail}`)
      return say(`The viewer stopped unexpectedly. It comes back when you need data.${tail}`, needed ? wake : [])
    default:
      if (needed && here) return say(`Your viewer is waking up.${tail}`)
      return say(`Your viewer is asleep. It wakes by itself when you need data.${tail}`, needed ? wake : [])
  }
}

const percent = ({ status }: Model): string =>
  status && status.totalBytes > 0 ? `${Math.floor((100 * status.doneBytes) / status.totalBytes)} %` : ''

function lostBar({ lostCall }: Model): BarView | null {
  if (!lostCall) return null
  return say(
    'Your last request could not be answered: the viewer stopped or did not answer, twice. It is not tried again by itself.',
    [{ label: 'OK', action: { do: 'dismiss' } }],
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
