/** Launch links of a dataset, for who makes them: make, copy, revoke, see who came and what they keep. */
import type { FC } from 'hono/jsx'
import type { Dataset } from '../functions/core/dataset.ts'
import { Act, type Frame, Page, When } from './layout.tsx'
import { Table } from './table.tsx'

export type LinkView = {
  id: string
  mode: 'view' | 'annotate'
  note: string
  by: string
  createdAt: number
  expiresAt: number
  revokedAt: number | null
  state: 'open' | 'expired' | 'revoked' | 'used up'
  guests: number
  maxGuests: number | null
  guestNames: readonly string[] | null
  /** The reader made it, or is an administrator. */
  mine: boolean
}

type ListedLink = LinkView & { lastUseAt: number | null }

type LinksPageProps = {
  frame: Frame
  dataset: Pick<Dataset, 'id' | 'title'>
  links: readonly ListedLink[]
  trouble: string
  typed: ReadonlyMap<string, string>
}

export const LinksPage: FC<LinksPageProps> = ({ frame, dataset, links, trouble, typed }) => (
  <Page frame={frame} title={`Share ${dataset.title}`} here="datasets">
    <p class="small">
      <a href={`/datasets/${dataset.id}`}>{dataset.title}</a>
    </p>
    <h1>Share with people who have no account</h1>
    <p class="lead">
      Whoever opens a launch link gives a name and gets a viewer of their own for this one dataset. You see who came,
      and their labels.
    </p>
    {trouble && (
      <div class="alert" role="alert">
        <p>{trouble}</p>
      </div>
    )}
    <form class="card" method="post" action={`/datasets/${dataset.id}/links`}>
      <h2>Make a link</h2>
      <fieldset>
        <legend>They may</legend>
        <label class="choice">
          <input type="radio" name="mode" value="annotate" checked={typed.get('mode') !== 'view'} /> look and make
          labels of their own
        </label>
        <label class="choice">
          <input type="radio" name="mode" value="view" checked={typed.get('mode') === 'view'} /> look
        </label>
      </fieldset>
      <div class="field">
        <label for="days">For how many days</label>
        <input id="days" name="days" type="number" min="1" max="90" value={typed.get('days') ?? '14'} required />
      </div>
      <div class="field">
        <label for="guests">For how many people (empty: as many as come)</label>
        <input id="guests" name="guests" type="number" min="1" max="1000" value={typed.get('guests') ?? ''} />
      </div>
      <div class="field">
        <label for="names">Or for these people only, one name a line: each gets an address of their own</label>
        <textarea id="names" name="names" rows={3}>
          {typed.get('names') ?? ''}
        </textarea>
      </div>
      <div class="field">
        <label for="note">A note for yourself</label>
        <input id="note" name="note" maxlength={200} value={typed.get('note') ?? ''} />
      </div>
      <button class="primary" type="submit">
        Make a link
      </button>
    </form>
    <section>
      <h2>Links of this dataset</h2>
      {links.length === 0 ? <p class="muted">None yet.</p> : <LinkTable links={links} />}
    </section>
  </Page>
)

const LinkTable: FC<{ links: readonly ListedLink[] }> = ({ links }) => (
  <Table heads={['Link', 'By', 'Until', 'Guests', 'Last used']} act>
    {links.map((link) => (
      <tr>
        <th scope="row">
          {link.note || (link.mode === 'view' ? 'To look at' : 'To annotate')} <LinkBadge link={link} />
        </th>
        <td data-name="By">{link.by}</td>
        <td data-name="Until">
          <When at={link.expiresAt} />
        </td>
        <td data-name="Guests">
          {link.guests}
          {link.guestNames ? ` of ${link.guestNames.length}` : link.maxGuests === null ? '' : ` of ${link.maxGuests}`}
        </td>
        <td data-name="Last used">{link.lastUseAt === null ? '–' : <When at={link.lastUseAt} />}</td>
        <td class="act">
          {link.mine && (
            <a class="button" href={`/links/${link.id}`} aria-label={`Show the link ${link.note || `of ${link.by}`}`}>
              Show
            </a>
          )}
        </td>
      </tr>
    ))}
  </Table>
)

const LinkBadge: FC<{ link: LinkView }> = ({ link: { state } }) => (
  <span class={`badge ${state === 'open' ? 'good' : ''}`}>{state}</span>
)

export type GuestView = {
  key: string
  name: string
  createdAt: number | null
  /** Null: the link takes any name, so only those who came have an address. */
  url: string | null
  labelsAt: number | null
  geneSetsAt: number | null
}

type LinkPageProps = {
  frame: Frame
  dataset: { id: string; title: string }
  link: LinkView
  /** The general address; null where each guest has one. */
  url: string | null
  guests: readonly GuestView[]
  uses: readonly { at: number; name: string; words: string }[]
}

export const LinkPage: FC<LinkPageProps> = ({ frame, dataset, link, url, guests, uses }) => (
  <Page frame={frame} title={`Link to ${dataset.title}`} here="datasets" islands={['copy.js']}>
    <p class="small">
      <a href={`/datasets/${dataset.id}/links`}>Links of {dataset.title}</a>
    </p>
    <div class="head">
      <div>
        <h1>{link.note || `Link to ${dataset.title}`}</h1>
        <LinkBadge link={link} />
      </div>
      {link.state !== 'revoked' && link.state !== 'expired' && (
        // Asked twice without a script: the button that does it shows only when this one was pressed.
        <details class="confirm">
          <summary class="button">Revoke…</summary>
          <div class="card">
            <p>
              Nobody comes in by it any more, and the viewers of everybody who did are ended. Their labels stay. This
              can’t be undone.
            </p>
            <Act action={`/links/${link.id}/revoke`} label="Revoke it now" about="this link" primary />
          </div>
        </details>
      )}
    </div>
    <p class="lead">
      {link.mode === 'view' ? 'To look at' : 'To look at and annotate'}, until <When at={link.expiresAt} />.
    </p>
    {url && link.state === 'open' && <Copy id="url" label="The link to send" value={url} />}
    <section>
      <h2>Guests</h2>
      {guests.length === 0 ? (
        <p class="muted">Nobody has come yet.</p>
      ) : (
        guests.map((guest) => (
          <GuestCard linkId={link.id} guest={guest} open={link.state === 'open' || link.state === 'used up'} />
        ))
      )}
    </section>
    <section>
      <h2>What happened</h2>
      {uses.length === 0 ? (
        <p class="muted">Nothing yet.</p>
      ) : (
        <ul>
          {uses.map(({ at, name, words }) => (
            <li>
              <When at={at} />: {name && <strong>{name}</strong>} {words}
            </li>
          ))}
        </ul>
      )}
    </section>
  </Page>
)

const GuestCard: FC<{ linkId: string; guest: GuestView; open: boolean }> = ({ linkId, guest, open }) => (
  <div class="card">
    <h3>{guest.name}</h3>
    {guest.createdAt === null ? (
      <p class="muted">Has not come yet.</p>
    ) : (
      <p>
        Came <When at={guest.createdAt} />.{' '}
        {guest.labelsAt === null && guest.geneSetsAt === null && 'Keeps nothing yet.'}
      </p>
    )}
    {open && guest.url && <Copy id={`url-${guest.key}`} label={`Address for ${guest.name} alone`} value={guest.url} />}
    {(guest.labelsAt !== null || guest.geneSetsAt !== null) && (
      <div class="buttons">
        {guest.labelsAt !== null && (
          <a class="button" href={`/api/links/${linkId}/guests/${guest.key}/annotations/labels`}>
            Download labels
          </a>
        )}
        {guest.geneSetsAt !== null && (
          <a class="button" href={`/api/links/${linkId}/guests/${guest.key}/annotations/genesets`}>
            Download gene sets
          </a>
        )}
      </div>
    )}
  </div>
)

const Copy: FC<{ id: string; label: string; value: string }> = ({ id, label, value }) => (
  <>
    <label for={id}>{label}</label>
    <p class="copy">
      <input id={id} readonly value={value} />
      <button type="button" data-copy={id} aria-label={`Copy: ${label}`}>
        Copy
      </button>
    </p>
  </>
)
