/** What a guest sees on the way in: arriving, giving a name, the address to come back by; and why it does not work. */
import type { FC } from 'hono/jsx'
import { type Frame, Page, When } from './layout.tsx'

type Landing =
  | { step: 'arriving'; action: string }
  | {
      step: 'name'
      action: string
      secret: string
      /** By an address of one's own: the name is known. */
      personal: boolean
      by: string
      title: string
      mode: 'view' | 'annotate'
      until: number
      /** Where a browser goes on that was here before. */
      comeBack: string
      name: string
      trouble: string
    }
  | { step: 'refused'; title: string; text: string }

export const LinkLandingPage: FC<{ frame: Frame } & Landing> = (props) => {
  const { frame, step } = props
  if (step === 'refused')
    return (
      <Page frame={frame} title={props.title}>
        <div class="narrow card">
          <h1>{props.title}</h1>
          <p>{props.text}</p>
        </div>
      </Page>
    )
  if (step === 'arriving')
    return (
      <Page frame={frame} title="You are invited" islands={['launch-link.js']}>
        <div class="narrow card">
          <h1>You are invited</h1>
          <p class="lead">Somebody shares single-cell data with you. You need no account.</p>
          <form method="post" action={props.action} data-launch-link>
            <div class="field">
              <label for="secret">What stands behind # in the link</label>
              <input id="secret" name="secret" type="password" autocomplete="off" required maxlength={300} />
            </div>
            <button class="primary wide" type="submit">
              Go on
            </button>
          </form>
        </div>
      </Page>
    )
  const { action, secret, personal, by, title, mode, until, comeBack, name, trouble } = props
  return (
    <Page frame={frame} title={`Invited to ${title}`}>
      <div class="narrow card">
        <h1>{title}</h1>
        <p class="lead">
          {by} shares this dataset with you{mode === 'view' ? ', to look at' : ', to look at and to annotate'}.
        </p>
        {trouble && (
          <div class="alert" role="alert">
            <p>{trouble}</p>
          </div>
        )}
        <form method="post" action={action}>
          <input type="hidden" name="secret" value={secret} />
          <input type="hidden" name="enter" value="1" />
          {!personal && (
            <div class="field">
              <label for="name">Your name</label>
              <input id="name" name="name" autocomplete="name" required maxlength={60} value={name} autofocus />
            </div>
          )}
          <button class="primary wide" type="submit">
            Open the dataset
          </button>
        </form>
        {!personal && (
          <p class="small">
            Were you here before, in this browser? <a href={comeBack}>Go on where you were</a>
          </p>
        )}
        <p class="small muted">
          {mode === 'annotate' && `What you make is kept under your name, and ${by} can see it. `}
          The link works until <When at={until} />.
        </p>
      </div>
    </Page>
  )
}

export const ArrivedPage: FC<{ frame: Frame; name: string; page: string; personalUrl: string }> = (props) => (
  <Page frame={props.frame} title="Welcome" islands={['copy.js']}>
    <div class="narrow card">
      <h1>Welcome, {props.name}</h1>
      <p>
        In this browser you can come back for a week. To go on later, or in another one, keep this address; it is yours
        alone, so pass it to nobody:
      </p>
      <p class="copy">
        <input id="address" readonly value={props.personalUrl} aria-label="Your own address" />
        <button type="button" data-copy="address">
          Copy
        </button>
      </p>
      <p>
        <a class="button primary wide" href={props.page}>
          Open the dataset
        </a>
      </p>
    </div>
  </Page>
)

export const GuestDoorPage: FC<{ frame: Frame }> = ({ frame }) => (
  <Page frame={frame} title="Open your link again">
    <div class="narrow card">
      <h1>Open your link again</h1>
      <p>
        This page belongs to somebody who came by a launch link, and this browser did not, or the link was taken back or
        has expired. Open the link that you were sent, or your own address if you kept one. Nothing of what you made is
        lost.
      </p>
      <p class="small muted">
        With an account here, <a href="/">go to the datasets</a> instead.
      </p>
    </div>
  </Page>
)
