/** What the waiting view says until cellxgene has drawn for the first time: pure, so that every case can be tested. */
import { type Button, type Model, startButtons } from './model.ts'
import { memory, stageWords } from './words.ts'

export type WaitingView = {
  heading: string
  text: string
  /** 0 start, 1 download, 2 load, 3 open; null: none of them is under way. */
  stage: 0 | 1 | 2 | 3 | null
  /** Undefined: it is not known how far; null: nothing is under way. */
  progress: number | undefined | null
  problem: boolean
  buttons: Button[]
}

const busy = (heading: string, text: string, stage: WaitingView['stage'], progress?: number): WaitingView => ({
  heading,
  text,
  stage,
  progress,
  problem: false,
  buttons: [],
})

const halted = (heading: string, text: string, buttons: Button[], problem = true): WaitingView => ({
  heading,
  text,
  stage: null,
  progress: null,
  problem,
  buttons,
})

const reload: Button = { label: 'Load the page again', action: { do: 'reload' }, primary: true }

export function waitingView(model: Model): WaitingView {
  const { status, trouble, refusal } = model
  if (trouble !== null) return troubleView(model)
  if (status === null) return busy('Opening your viewer', 'Asking for your viewer.', null)
  if (refusal !== null) {
    const { title, detail } = refusal.code === 'needs-click' && status.problem ? status.problem : refusal
    return halted(title, detail, startButtons(status, memory))
  }
  switch (status.state) {
    case 'starting': {
      const stage =
        status.stage === 'downloading' ? 1 : status.stage === 'loading' ? 2 : status.stage === 'opening' ? 3 : 0
      const done = stage === 1 && status.totalBytes > 0 ? status.doneBytes / status.totalBytes : undefined
      return busy('Your viewer is on its way', `${stageWords(status)}.`, stage, done)
    }
    case 'ready':
      return busy('Almost there', 'cellxgene is opening the dataset.', 3)
    case 'stopping':
      return busy('Just a moment', 'The last viewer is being put away; then a new one starts.', null)
    case 'failed':
      return halted(
        status.problem?.title ?? 'The viewer failed',
        status.problem?.detail ?? '',
        startButtons(status, memory),
      )
    case 'unusable':
      return halted(status.problem?.title ?? 'This dataset can’t be opened', status.problem?.detail ?? '', [reload])
    default:
      if (model.here) return busy('Opening your viewer', 'Your viewer is starting.', 0)
      return halted(
        'Your viewer is asleep',
        'It was not used for a while, so it costs nothing now. Everything you saved is kept.',
        [{ label: 'Wake it', action: { do: 'wake' }, primary: true }],
        false,
      )
  }
}

function troubleView({ trouble, userName }: Model): WaitingView {
  switch (trouble?.kind) {
    case 'offline':
      return busy('No connection to the launcher', 'It is tried again by itself, every few seconds.', null)
    case 'signed-out':
      return halted('You are signed out', 'Sign in again to go on.', [
        { label: 'Sign in', action: { do: 'home' }, primary: true },
      ])
    case 'owner-changed':
      return halted('Somebody else is signed in now', `This page was opened for ${userName}. ${trouble.detail}`, [
        reload,
      ])
    case 'dataset-changed':
      return halted('The dataset has changed', trouble.detail, [reload], false)
    default:
      return halted(trouble?.title ?? 'This does not work now', trouble?.detail ?? '', [reload])
  }
}
