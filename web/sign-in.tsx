/** Signing in: by name and password, or by the one-time link that the launcher printed. */
import type { FC } from 'hono/jsx'
import { type Frame, Page } from './layout.tsx'

export const SignInPage: FC<{ frame: Frame; returnTo: string; name?: string; trouble?: string }> = ({
  frame,
  returnTo,
  name = '',
  trouble,
}) => (
  <Page frame={frame} title="Sign in">
    <div class="narrow card">
      <h1>Sign in</h1>
      {trouble && (
        <div class="alert" role="alert">
          <p>{trouble}</p>
        </div>
      )}
      <form method="post" action="/sign-in">
        <input type="hidden" name="return" value={returnTo} />
        <div class="field">
          <label for="name">Name</label>
          <input
            id="name"
            name="name"
            value={name}
            autocomplete="username"
            autocapitalize="none"
            spellcheck={false}
            required
            maxlength={64}
            autofocus={name === ''}
          />
        </div>
        <div class="field">
          <label for="password">Password</label>
          <input
            id="password"
            name="password"
            type="password"
            autocomplete="current-password"
            required
            maxlength={256}
            autofocus={name !== ''}
          />
        </div>
        <button class="primary wide" type="submit">
          Sign in
        </button>
      </form>
    </div>
    <p class="narrow small muted">No account, or a forgotten password? The person who runs this launcher can help.</p>
  </Page>
)

export const AdminLinkPage: FC<{ frame: Frame; trouble?: string }> = ({ frame, trouble }) => (
  <Page frame={frame} title="Sign in by link" islands={trouble ? [] : ['admin-link.js']}>
    <div class="narrow card">
      <h1>Sign in by link</h1>
      {trouble ? (
        <>
          <div class="alert" role="alert">
            <p>{trouble}</p>
          </div>
          <a href="/sign-in">Sign in with a password</a>
        </>
      ) : (
        <>
          <p class="lead">The link that the launcher printed signs in its administrator, once.</p>
          <form method="post" action="/sign-in/link" data-link>
            <div class="field">
              <label for="secret">What stands behind # in the link</label>
              <input id="secret" name="secret" type="password" autocomplete="off" required maxlength={100} />
            </div>
            <button class="primary wide" type="submit">
              Sign in as administrator
            </button>
          </form>
        </>
      )}
    </div>
  </Page>
)
