/** One dataset: what is known of it, what one keeps for it, and the button that opens it. */
import type { Child, FC } from 'hono/jsx'
import type { Dataset } from '../functions/core/dataset.ts'
import { DatasetBadge } from './catalogue.tsx'
import { bytes, count, duration, isPassing, memory, processors } from './format.ts'
import { Act, type Frame, Page, When, Words } from './layout.tsx'
import type { SessionView } from './session-state.tsx'

export type KeptView = { label: string; version: string; savedAt: number; savedBy: string } | null

type DatasetPageProps = {
  frame: Frame
  /** See `sessionsSeen`. */
  seen: string
  dataset: Dataset
  session: SessionView | null
  /** What a viewer for it gets; null while the file is not known. */
  size: { memoryMiB: number; vcpu: number } | null
  /** The next size, after one ran out of memory. */
  largerMiB: number | null
  kept: readonly KeptView[]
}

export const DatasetPage: FC<DatasetPageProps> = ({ frame, seen, dataset, session, size, largerMiB, kept }) => (
  <Page
    frame={frame}
    title={dataset.title}
    here="datasets"
    islands={['watch-sessions.js']}
    {...(isPassing(dataset) ? { refreshSeconds: 3 } : {})}
  >
    <p class="small">
      <a href="/">Datasets</a>
    </p>
    <div class="head" data-sessions={seen}>
      <div>
        <h1>{dataset.title}</h1>
        <DatasetBadge dataset={dataset} session={session} />
      </div>
      {dataset.state === 'usable' && (
        <div class="buttons">
          {largerMiB !== null && (
            <Act
              action={`/datasets/${dataset.id}/launch`}
              label={`Open with ${memory(largerMiB)}`}
              fields={{ larger: '1' }}
            />
          )}
          <Act action={`/datasets/${dataset.id}/launch`} label="Open" about={dataset.title} primary />
        </div>
      )}
    </div>
    {dataset.problem && (
      <div class="alert">
        <p>
          <strong>
            <Words text={dataset.problem.cause} />
          </strong>
        </p>
        <p>
          <Words text={dataset.problem.remedy} />
        </p>
      </div>
    )}
    {session?.ending?.failure && dataset.state === 'usable' && (
      <div class="alert">
        <p>
          <strong>Last time: {session.ending.title}</strong>
        </p>
        <p>
          <Words text={session.ending.remedy} />
        </p>
      </div>
    )}
    {session?.state === 'ready' && session.sleepsInMs !== null && (
      <p class="lead">Your viewer is running. It sleeps in {duration(session.sleepsInMs)} if nobody uses it.</p>
    )}
    <div class="card">
      <dl class="facts">
        <Fact name="Cells">{dataset.index ? count(dataset.index.cells) : notKnown(dataset)}</Fact>
        <Fact name="Genes">{dataset.index ? count(dataset.index.genes) : notKnown(dataset)}</Fact>
        <Fact name="File size">{bytes(dataset.sizeBytes)}</Fact>
        <Fact name="Changed">
          <When at={dataset.modifiedAt} />
        </Fact>
        <Fact name="Belongs to">{dataset.group === 'public' ? 'everybody' : dataset.group || 'no group'}</Fact>
        {dataset.index && (
          <>
            <Fact name="Matrix">{matrixWords(dataset.index)}</Fact>
            <Fact name="Memory when open">about {memory(dataset.index.memoryMiB)}</Fact>
          </>
        )}
        {size && (
          <Fact name="A viewer gets">
            {memory(size.memoryMiB)}, {processors(size.vcpu)}
          </Fact>
        )}
        {dataset.index && (
          <Fact name="Embeddings" whole>
            {dataset.index.embeddings.join(', ')}
          </Fact>
        )}
        <Fact name="File" whole>
          <code>{dataset.path}</code>
        </Fact>
      </dl>
    </div>
    {dataset.state !== 'removed' && (
      <p class="buttons">
        <a class="button" href={`/datasets/${dataset.id}/links`}>
          Share with people who have no account
        </a>
      </p>
    )}
    <section>
      <h2>What you keep for it</h2>
      <div class="card">
        {kept.every((one) => one === null) ? (
          <p class="muted">
            Nothing yet. Categories, labels and gene sets that you make in the viewer are kept here
            {dataset.state === 'usable' && (
              <>
                ; you can also <a href={`/annotations/${dataset.id}`}>upload labels</a>
              </>
            )}
            .
          </p>
        ) : (
          <>
            <dl class="facts">
              {kept.map(
                (one) =>
                  one && (
                    <Fact name={one.label}>
                      version {one.version}, <When at={one.savedAt} />
                    </Fact>
                  ),
              )}
            </dl>
            <p class="buttons">
              <a class="button" href={`/annotations/${dataset.id}`}>
                Versions, download, restore
              </a>
            </p>
          </>
        )}
      </div>
    </section>
  </Page>
)

const notKnown = (dataset: Dataset): string => (isPassing(dataset) ? 'not known yet' : 'not known')

const Fact: FC<{ name: string; whole?: boolean; children: Child }> = ({ name, whole, children }) => (
  <div class={whole ? 'whole' : undefined}>
    <dt>{name}</dt>
    <dd>{children}</dd>
  </div>
)

const layoutWords = { dense: 'dense', csr: 'sparse by cell', csc: 'sparse by gene' } as const

function matrixWords(index: NonNullable<Dataset['index']>): string {
  return `${layoutWords[index.layout]}, ${count(index.storedValues)} values (${index.dtype})`
}
