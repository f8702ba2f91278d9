/** What the waiting view says until cellxgene has drawn for the first time: pure, so that every case can be tested. */
import type { LobbyStatus } from '../../functions/api/contract/lobby.ts'
import { type Button, type Model, savedLabels, startButtons } from './model.ts'
import { refusalButtons, refusalWords } from './refusal.ts'
import { inLine, listed, memory, number, stageWords } from './words.ts'

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
  if (model.lost.length > 0)
    return halted(
      'The viewer stopped, twice',
      `It stopped or did not answer while it was asked for ${listed(model.lost)}. It is not tried again by itself. If it happens again, tell your administrator.`,
      [{ label: 'Try again', action: { do: 'again' }, primary: true }],
    )
  if (refusal !== null) {
    const { title, detail } = refusalWords(model, refusal)
    return halted(title, detail, refusalButtons(model, refusal))
  }
  switch (status.state) {
    case 'queued':
      return queued(model, status)
    case 'starting': {
      const stage =
        status.stage === 'downloading' ? 1 : status.stage === 'loading' ? 2 : status.stage === 'opening' ? 3 : 0
      const done = stage === 1 && status.totalBytes > 0 ? status.doneBytes / status.totalBytes : undefined
      return busy('Your viewer is on its way', `${stageWords(status)}.`, stage, done)
    }
    case 'ready':
      return busy('Almost there', 'cellxgene is opening the dataset.', 3)
    case 'stopping':
      if (model.left) return busy('Just a moment', 'You are leaving the line.', null)
      return busy('Just a moment', 'The last viewer is being put away; then a new one starts.', null)
    case 'failed':
      return halted(
        status.problem?.title ?? 'The viewer failed',
        status.problem?.detail ?? '',
        startButtons(status, memory),
      )
    case 'unusable':
      return halted(status.problem?.title ?? 'This dataset can’t be opened', status.problem?.detail ?? '', [
        ...(status.problem?.code === 'dataset-removed' && model.mode === 'annotate' ? [savedLabels(model)] : []),
        reload,
      ])
    default:
      if (model.left)
        return halted(
          'You left the line',
          'Nothing waits for you now. Get in line again whenever you like.',
          [{ label: 'Get in line again', action: { do: 'wake' }, primary: true }],
          false,
        )
      if (model.here) return busy('Opening your viewer', 'Your viewer is starting.', 0)
      return halted(
        'Your viewer is asleep',
        'It was not used for a while, so it costs nothing now. Everything you saved is kept.',
        [{ label: 'Wake it', action: { do: 'wake' }, primary: true }],
        false,
      )
  }
}

function queued({ here }: Model, status: LobbyStatus): WaitingView {
  const others = status.queue === null ? 0 : status.queue.length - status.queue.position
  const after = others > 0 ? ` ${others === 1 ? '1 more waits' : `${number(others)} more wait`} after you.` : ''
  // For who comes back to a tab in the background, it is not news that they may go.
  const stay = here ? ' You may do something else meanwhile; if you close the page, you leave the line.' : ''
  return {
    heading: inLine(status).replace(/ for a viewer\.$/, ''),
    text: `All viewers are in use.${after} Yours starts by itself as soon as there is room; keep this page open.${stay}`,
    stage: null,
    progress: undefined,
    problem: false,
    buttons: [{ label: 'Leave the line', action: { do: 'leave' } }],
  }
}

function troubleView({ trouble, userName, guest }: Model): WaitingView {
  switch (trouble?.kind) {
    case 'offline':
      return busy('No connection to the launcher', 'It is tried again by itself, every few seconds.', null)
    case 'signed-out':
      if (guest) return halted('You are signed out', 'Open the link that you were given again to go on.', [])
      return halted('You are signed out', 'Sign in again to go on.', [
        { label: 'Sign in', action: { do: 'home' }, primary: true },
      ])
    case 'owner-changed':
      return halted('Somebody else is signed in now', `This page was opened for ${userName}. ${trouble.detail}`, [
        reload,
      ])
    case 'dataset-changed':
      return halted('The dataset has changed', trouble.detail, [reload], false)
    case 'link-over':
      return halted(trouble.title, trouble.detail, [])
    default:
      return halted(trouble?.title ?? 'This does not work now', trouble?.detail ?? '', [reload])
  }
}
