/** My annotations: what one keeps, its versions, and how to get them out or back. */
import type { FC } from 'hono/jsx'
import type { Dataset } from '../functions/core/dataset.ts'
import type { MergeReport } from '../functions/core/merge-report.ts'
import type { VaultKind, VaultVersion } from '../functions/core/ports.ts'
import { bytes, count } from './format.ts'
import { Act, type Frame, Page, When } from './layout.tsx'
import { Table } from './table.tsx'

export type KeptRow = { dataset: Dataset; labels: VaultVersion | null; geneSets: VaultVersion | null }

export const kindWords: Record<VaultKind, string> = { labels: 'Categories and labels', genesets: 'Gene sets' }

export const AnnotationsPage: FC<{ frame: Frame; rows: readonly KeptRow[] }> = ({ frame, rows }) => (
  <Page frame={frame} title="My annotations" here="annotations">
    <h1>My annotations</h1>
    <p class="lead">
      Everything you made in viewers, with every version. It stays when a viewer ends or a file is removed.
    </p>
    {rows.length === 0 ? (
      <div class="card empty">
        <p>
          Nothing yet. Make a category in a viewer and label some cells. <a href="/">Open a dataset</a>
        </p>
      </div>
    ) : (
      <Table heads={['Dataset', kindWords.labels, kindWords.genesets]} act>
        {rows.map(({ dataset, labels, geneSets }) => (
          <tr>
            <th scope="row">
              <a href={`/annotations/${dataset.id}`}>{dataset.title}</a>
              {dataset.state === 'removed' && <span class="note">The file was removed; this is kept.</span>}
            </th>
            <td data-name={kindWords.labels}>
              <Newest version={labels} />
            </td>
            <td data-name={kindWords.genesets}>
              <Newest version={geneSets} />
            </td>
            <td class="act">
              <a class="button" href={`/annotations/${dataset.id}`}>
                Versions
              </a>
            </td>
          </tr>
        ))}
      </Table>
    )}
  </Page>
)

const Newest: FC<{ version: VaultVersion | null }> = ({ version }) =>
  version ? (
    <>
      <When at={version.savedAt} />
      <span class="note">
        version {version.version}, {bytes(version.sizeBytes)}
      </span>
    </>
  ) : (
    <>–</>
  )

type VersionsPageProps = {
  frame: Frame
  dataset: Pick<Dataset, 'id' | 'title' | 'state' | 'version'>
  kinds: readonly { kind: VaultKind; versions: readonly VaultVersion[] }[]
  upload: UploadView | null
  /** Largest file that can be uploaded, bytes. */
  mostBytes: number
  /** Where a form does not bring files above a size: a script puts them elsewhere first. */
  largeFiles: { aboveBytes: number } | null
}

/** What became of a file that was just uploaded. */
export type UploadView = { merged: { version: string; report: MergeReport } | null; trouble: string }

export const VersionsPage: FC<VersionsPageProps> = ({ frame, dataset, kinds, upload, mostBytes, largeFiles }) => (
  <Page
    frame={frame}
    title={`Annotations of ${dataset.title}`}
    here="annotations"
    islands={['file-size.js', ...(largeFiles ? ['large-file.js'] : [])]}
  >
    <p class="small">
      <a href="/annotations">My annotations</a>
    </p>
    <h1>{dataset.title}</h1>
    {dataset.state === 'removed' ? (
      <p class="lead">The file was removed. What you made is kept and can be downloaded.</p>
    ) : (
      <p class="lead">
        <a href={`/datasets/${dataset.id}`}>About this dataset</a>
      </p>
    )}
    {upload?.trouble && (
      <div class="alert" role="alert">
        <p>{upload.trouble} Nothing was changed.</p>
      </div>
    )}
    {upload?.merged && (
      <output class="card">
        <p>
          <strong>Kept as version {upload.merged.version}.</strong> {reportWords(upload.merged.report)}
        </p>
      </output>
    )}
    {kinds.map(({ kind, versions }) => (
      <section>
        <h2>{kindWords[kind]}</h2>
        {versions.length === 0 ? (
          <div class="card muted">
            <p>None kept.</p>
          </div>
        ) : (
          <Versions dataset={dataset} kind={kind} versions={versions} />
        )}
        {kind === 'labels' && dataset.state === 'usable' && (
          <Upload
            frame={frame}
            datasetId={dataset.id}
            base={versions[0]?.version ?? 'none'}
            mostBytes={mostBytes}
            largeFiles={largeFiles}
          />
        )}
      </section>
    ))}
  </Page>
)

type UploadProps = Pick<VersionsPageProps, 'frame' | 'mostBytes' | 'largeFiles'> & { datasetId: string; base: string }

const Upload: FC<UploadProps> = ({ frame, datasetId, base, mostBytes, largeFiles }) => (
  <form
    class="card"
    method="post"
    action={`/annotations/${datasetId}/labels/upload`}
    enctype="multipart/form-data"
    {...(largeFiles && {
      'data-direct': largeFiles.aboveBytes,
      'data-offer': `/api/datasets/${datasetId}/annotations/labels/upload`,
      'data-put-aside': frame.asset('put-aside.js'),
    })}
  >
    <h3>Upload labels</h3>
    <p class="small muted">
      A CSV whose first column has the names of the cells, and each other one a category. Rows are matched by name. Up
      to {Math.floor(mostBytes / 2 ** 20)} MiB.
    </p>
    <input type="hidden" name="base" value={base} />
    <div class="field">
      <label for="file">File</label>
      <input id="file" name="file" type="file" accept=".csv,text/csv" data-most={mostBytes} required />
    </div>
    <fieldset>
      <legend>What is there</legend>
      <label class="choice">
        <input type="radio" name="mode" value="add" checked /> stays; the file comes beside it
      </label>
      <label class="choice">
        <input type="radio" name="mode" value="replace" /> is replaced by the file; it stays among the versions
      </label>
    </fieldset>
    {largeFiles && <input type="hidden" name="ref" value="" />}
    <button type="submit">Upload</button>
    {largeFiles && <output class="small" />}
  </form>
)

/** What matched, in a sentence or two. */
function reportWords({ labelledCells, matchedCells, unmatchedCells, unmatchedSample, renamed }: MergeReport): string {
  const words = [`${count(matchedCells)} of ${count(labelledCells)} labelled cells are in the file of the dataset.`]
  if (unmatchedCells > 0)
    words.push(
      `The labels of ${count(unmatchedCells)} others (${unmatchedSample.slice(0, 3).join(', ')}${unmatchedCells > 3 ? ', …' : ''}) are kept for when they come.`,
    )
  for (const { from, to } of renamed) words.push(`“${from}” was renamed “${to}”, because the name was taken.`)
  return words.join(' ')
}

const Versions: FC<{ dataset: VersionsPageProps['dataset']; kind: VaultKind; versions: readonly VaultVersion[] }> = ({
  dataset,
  kind,
  versions,
}) => {
  const newest = versions[0]?.version ?? ''
  return (
    <Table heads={['Version', 'Saved', 'By', { number: 'Size' }]} act>
      {versions.map((version) => (
        <tr>
          <th scope="row">
            {version.version} {version.version === newest && <span class="badge good">newest</span>}
            <span class="note">{originWords(version, dataset.version)}</span>
          </th>
          <td data-name="Saved">
            <When at={version.savedAt} />
          </td>
          <td data-name="By">{version.savedBy}</td>
          <td class="number" data-name="Size">
            {version.sizeBytes === 0 ? 'empty' : bytes(version.sizeBytes)}
          </td>
          <td class="act">
            <div class="buttons">
              {version.version !== newest && dataset.state === 'usable' && (
                <Act
                  action={`/annotations/${dataset.id}/${kind}/restore`}
                  label="Restore"
                  about={`version ${version.version} of ${kindWords[kind].toLowerCase()}`}
                  fields={{ version: version.version, base: newest }}
                />
              )}
              <a
                class="button"
                href={`/api/datasets/${dataset.id}/annotations/${kind}/versions/${version.version}`}
                aria-label={`Download version ${version.version} of ${kindWords[kind].toLowerCase()}`}
              >
                Download
              </a>
            </div>
          </td>
        </tr>
      ))}
    </Table>
  )
}

function originWords(version: VaultVersion, current: string): string {
  const restored = /^restore:(\d+)$/.exec(version.origin)?.[1]
  const words = restored ? [`Restored from version ${restored}.`] : []
  if (version.origin === 'upload') words.push('Uploaded.')
  if (version.origin.startsWith('merge:')) words.push('Kept beside what was saved meanwhile.')
  if (version.origin.startsWith('carry-over:')) words.push('Brought over to another version of the file.')
  if (version.datasetVersion !== current && current !== '') words.push('Made on an earlier version of the file.')
  return words.join(' ')
}
