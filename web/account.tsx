/** One's own account: another password. */
import type { FC } from 'hono/jsx'
import { type Frame, Page, Words } from './layout.tsx'

type AccountPageProps = {
  frame: Frame
  account: { name: string; email: string | null; groups: readonly string[] }
  /** Why there is no password to change; null when there is one. */
  missing: string | null
  /** Just changed. */
  done: boolean
  trouble: string
}

export const AccountPage: FC<AccountPageProps> = ({ frame, account, missing, done, trouble }) => (
  <Page frame={frame} title="Your account">
    <div class="narrow card">
      <h1>{account.name}</h1>
      <p class="lead">
        {account.email && `${account.email}. `}
        {account.groups.length === 0 ? 'In no group.' : `In ${account.groups.join(', ')}.`}
      </p>
      <h2>Password</h2>
      {done && (
        <div class="notice" role="status">
          <p>Your password was changed. Every other browser is signed out.</p>
        </div>
      )}
      {trouble && (
        <div class="alert" role="alert">
          <p>
            <Words text={trouble} />
          </p>
        </div>
      )}
      {missing === null ? (
        <PasswordForm name={account.name} />
      ) : (
        <p>
          <Words text={missing} />
        </p>
      )}
    </div>
  </Page>
)

const PasswordForm: FC<{ name: string }> = ({ name }) => (
  <>
    <form method="post" action="/account/password">
      {/* So that a password manager knows whose password it keeps. */}
      <input type="hidden" name="username" autocomplete="username" value={name} />
      <PasswordField id="current" label="The password you have" autocomplete="current-password" />
      <PasswordField id="next" label="The new one (10 characters or more)" autocomplete="new-password" />
      <PasswordField id="again" label="The new one again" autocomplete="new-password" />
      <button class="primary wide" type="submit">
        Change the password
      </button>
    </form>
    <p class="small muted">Every other browser is signed out, and tokens for scripts end.</p>
  </>
)

const PasswordField: FC<{ id: string; label: string; autocomplete: string }> = ({ id, label, autocomplete }) => (
  <div class="field">
    <label for={id}>{label}</label>
    <input id={id} name={id} type="password" autocomplete={autocomplete} required maxlength={256} />
  </div>
)
