/** The catalogue: every dataset that the reader may open, by group, with what runs and what can't be opened. */
import type { FC } from 'hono/jsx'
import type { Dataset } from '../functions/core/dataset.ts'
import { bytes, count, isPassing } from './format.ts'
import { Act, type Frame, Page, Words } from './layout.tsx'
import { type SessionView, StateBadge } from './session-state.tsx'
import { Table } from './table.tsx'

export type CatalogueRow = { dataset: Dataset; session: SessionView | null }
export type CatalogueGroup = { name: string; rows: readonly CatalogueRow[] }

type CataloguePageProps = {
  frame: Frame
  groups: readonly CatalogueGroup[]
  /** See `sessionsSeen`. */
  seen: string
  query: string
  total: number
}

export const CataloguePage: FC<CataloguePageProps> = ({ frame, groups, seen, query, total }) => (
  <Page
    frame={frame}
    title="Datasets"
    here="datasets"
    islands={['watch-sessions.js']}
    // An empty one as well: it says that files appear by themselves.
    {...(total === 0 || groups.some(({ rows }) => rows.some(({ dataset }) => isPassing(dataset)))
      ? { refreshSeconds: 5 }
      : {})}
  >
    <div class="head">
      <h1>Datasets</h1>
      {(total > 8 || query !== '') && (
        <form class="search" method="get" action="/">
          <input name="q" type="search" value={query} placeholder="Find by name" aria-label="Find by name" />
          <button type="submit">Find</button>
        </form>
      )}
    </div>
    <div data-sessions={seen}>
      {groups.map((group) => (
        <section>
          <h2>{groupWords(group.name)}</h2>
          <Table
            heads={['Dataset', { number: 'Cells' }, { number: 'Genes' }, { number: 'File' }, 'Viewer']}
            act
            aligned
          >
            {group.rows.map((row) => (
              <Row {...row} />
            ))}
          </Table>
        </section>
      ))}
    </div>
    {groups.length === 0 && <Nothing query={query} admin={frame.who?.admin ?? false} />}
  </Page>
)

/** A file that lies directly in the data folder belongs to no group; administrators see it, with what to do. */
const groupWords = (name: string): string => (name === 'public' ? 'Public' : name || 'In no group')

const Row: FC<CatalogueRow> = ({ dataset, session }) => (
  <tr>
    <th scope="row">
      <a href={`/datasets/${dataset.id}`}>{dataset.title}</a>
      {dataset.problem && (
        <span class={dataset.state === 'refused' ? 'note bad' : 'note'}>
          <Words text={`${dataset.problem.cause} ${dataset.problem.remedy}`} />
        </span>
      )}
    </th>
    <td class="number" data-name="Cells">
      {dataset.index ? count(dataset.index.cells) : '–'}
    </td>
    <td class="number" data-name="Genes">
      {dataset.index ? count(dataset.index.genes) : '–'}
    </td>
    <td class="number" data-name="File">
      {bytes(dataset.sizeBytes)}
    </td>
    <td data-name="Viewer">
      <DatasetBadge dataset={dataset} session={session} />
    </td>
    <td class="act">
      {dataset.state === 'usable' && (
        <Act action={`/datasets/${dataset.id}/launch`} label="Open" about={dataset.title} primary />
      )}
    </td>
  </tr>
)

const datasetWords: Record<Dataset['state'], [words: string, look: string]> = {
  checking: ['Being checked', 'busy'],
  copying: ['Being copied', 'busy'],
  usable: ['Not running', ''],
  refused: ['Can’t be opened', 'bad'],
  removed: ['File removed', ''],
}

export const DatasetBadge: FC<CatalogueRow> = ({ dataset, session }) => {
  if (session && (dataset.state === 'usable' || session.live)) return <StateBadge session={session} />
  const [words, look] = datasetWords[dataset.state]
  return <span class={`badge ${look}`}>{words}</span>
}

const Nothing: FC<{ query: string; admin: boolean }> = ({ query, admin }) => (
  <div class="card empty">
    {query !== '' ? (
      <p>
        Nothing is called “{query}”. <a href="/">Show all</a>
      </p>
    ) : (
      <>
        <h2>No datasets yet</h2>
        <p>
          {admin
            ? 'Put .h5ad files into a folder of the data folder: public/ for everybody, any other folder for the group of that name. They appear here by themselves.'
            : 'There is no dataset that you may open. Ask your administrator which group you should be in.'}
        </p>
      </>
    )}
  </div>
)
