/** My sessions: what runs, what ended and why, and what it used. */
import type { FC } from 'hono/jsx'
import { duration, memory, processors } from './format.ts'
import { Act, type Frame, Page, When, Words } from './layout.tsx'
import { type SessionView, StateBadge } from './session-state.tsx'
import { Table } from './table.tsx'

export type ReceiptView = {
  datasetId: string
  datasetTitle: string
  from: number
  ranMs: number
  memoryMiB: number
  vcpu: number
  title: string
  detail: string | null
}

type SessionsPageProps = {
  frame: Frame
  /** See `sessionsSeen`. */
  seen: string
  sessions: readonly SessionView[]
  receipts: readonly ReceiptView[]
  /** How many older receipts are left out; the API has them all. */
  olderReceipts: number
}

export const SessionsPage: FC<SessionsPageProps> = ({ frame, seen, sessions, receipts, olderReceipts }) => {
  const live = sessions.filter((session) => session.live)
  const over = sessions.filter((session) => !session.live)
  return (
    <Page frame={frame} title="My sessions" here="sessions" islands={['watch-sessions.js']}>
      <h1>My sessions</h1>
      <div data-sessions={seen}>
        {live.length === 0 ? (
          <div class="card empty">
            <p>
              Nothing is running. <a href="/">Open a dataset</a>
            </p>
          </div>
        ) : (
          <Table heads={['Dataset', 'State', 'Since', 'Size', 'Sleeps in']} act>
            {live.map((session) => (
              <LiveRow session={session} />
            ))}
          </Table>
        )}
        {over.length > 0 && (
          <section>
            <h2>Ended</h2>
            <Table heads={['Dataset', 'State', 'When']} act>
              {over.map((session) => (
                <OverRow session={session} />
              ))}
            </Table>
          </section>
        )}
      </div>
      {receipts.length > 0 && <Receipts receipts={receipts} older={olderReceipts} />}
    </Page>
  )
}

const LiveRow: FC<{ session: SessionView }> = ({ session }) => (
  <tr>
    <th scope="row">
      <a href={`/datasets/${session.datasetId}`}>{session.datasetTitle}</a>
    </th>
    <td>
      <StateBadge session={session} />
    </td>
    <td data-name="Since">
      <When at={session.readyAt ?? session.createdAt} />
    </td>
    <td data-name="Size">
      {memory(session.memoryMiB)}
      <span class="note">{processors(session.vcpu)}</span>
    </td>
    <td data-name="Sleeps in">{session.sleepsInMs === null ? '–' : duration(session.sleepsInMs)}</td>
    <td class="act">
      <div class="buttons">
        {session.state === 'ready' && (
          <Act action={`/sessions/${session.id}/keep`} label="Keep running" about={session.datasetTitle} />
        )}
        {session.state !== 'stopping' && (
          <>
            <Act action={`/sessions/${session.id}/stop`} label="Stop" about={session.datasetTitle} />
            <Act action={`/datasets/${session.datasetId}/launch`} label="Open" about={session.datasetTitle} primary />
          </>
        )}
      </div>
    </td>
  </tr>
)

const OverRow: FC<{ session: SessionView }> = ({ session: { ending, ...session } }) => (
  <tr>
    <th scope="row">
      <a href={`/datasets/${session.datasetId}`}>{session.datasetTitle}</a>
      {ending && (
        <span class={ending.failure ? 'note bad' : 'note'}>
          <Words text={`${ending.title} ${ending.remedy}`} />
        </span>
      )}
      {ending?.failure && ending.detail && (
        <details class="note">
          <summary>Details</summary>
          <code>{ending.detail}</code>
        </details>
      )}
    </th>
    <td>
      <StateBadge session={{ ...session, ending }} />
    </td>
    <td data-name="When">{ending ? <When at={ending.at} /> : '–'}</td>
    <td class="act">
      <div class="buttons">
        {ending?.outOfMemory && (
          <Act
            action={`/datasets/${session.datasetId}/launch`}
            label="Open with more memory"
            about={session.datasetTitle}
            fields={{ larger: '1' }}
          />
        )}
        <Act action={`/datasets/${session.datasetId}/launch`} label="Open" about={session.datasetTitle} />
      </div>
    </td>
  </tr>
)

const Receipts: FC<{ receipts: readonly ReceiptView[]; older: number }> = ({ receipts, older }) => (
  <section>
    <h2>Receipts</h2>
    <p class="muted small">What each session used, from its request until nothing of it was left.</p>
    <Table heads={['Dataset', 'From', { number: 'Time' }, { number: 'Size' }, 'Why it ended']}>
      {receipts.map((receipt) => (
        <tr>
          <td>{receipt.datasetTitle}</td>
          <td data-name="From">
            <When at={receipt.from} />
          </td>
          <td class="number" data-name="Time">
            {duration(receipt.ranMs)}
          </td>
          <td class="number" data-name="Size">
            {memory(receipt.memoryMiB)}
          </td>
          <td data-name="Why">{receipt.title}</td>
        </tr>
      ))}
    </Table>
    {older > 0 && <p class="small muted">{older} older ones are left out here; the API has them all.</p>}
  </section>
)
