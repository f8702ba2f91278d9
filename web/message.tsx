/** A page that says what went wrong and what to do, and where to go on. */
import type { FC } from 'hono/jsx'
import { type Frame, Page } from './layout.tsx'

type MessagePageProps = {
  frame: Frame
  title: string
  text: string
  /** Where to go on; the catalogue when there is nothing better. */
  links?: readonly { href: string; label: string }[]
}

export const MessagePage: FC<MessagePageProps> = ({ frame, title, text, links = [] }) => (
  <Page frame={frame} title={title}>
    <div class="middle card">
      <h1>{title}</h1>
      <p>{text}</p>
      <p class="buttons">
        {(links.length > 0 ? links : [{ href: '/', label: frame.who ? 'All datasets' : 'Start page' }]).map(
          ({ href, label }, at) => (
            <a class={at === 0 ? 'button primary' : 'button'} href={href}>
              {label}
            </a>
          ),
        )}
      </p>
    </div>
  </Page>
)
