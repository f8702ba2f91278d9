/** What the page says: each case has its own words, and the most pressing comes first. */
import { describe, expect, it } from 'vitest'
import { barView } from '../../../web/companion/bar.ts'
import type { Trouble } from '../../../web/companion/lobby-calls.ts'
import type { Model } from '../../../web/companion/model.ts'
import { waitingView } from '../../../web/companion/waiting.ts'
import { aStatus } from './scripted.ts'

const model = (over: Partial<Model> = {}): Model => ({
  userName: 'ada',
  guest: false,
  mode: 'annotate',
  appUrl: 'http://localhost/',
  home: '/v/pbmc/',
  status: aStatus({ state: 'ready' }),
  trouble: null,
  refusal: null,
  here: true,
  waiting: 0,
  saves: [],
  moved: null,
  kept: [],
  dropping: null,
  newer: [],
  unsent: false,
  told: [],
  left: false,
  sleepsIn: { ms: 600_000, ends: false },
  warnMs: 120_000,
  lost: [],
  readOnly: false,
  quiet: false,
  ...over,
})
const labels = (labels: string[] | undefined) => labels ?? []
const buttons = (view: { buttons: { label: string }[] } | null) => labels(view?.buttons.map(({ label }) => label))
const saving = { kind: 'labels', save: { state: 'saving' } } as const
const trouble = (kind: Trouble['kind']) => ({
  kind,
  code: kind,
  title: 'T',
  detail: 'D.',
})

describe('the bar', () => {
  it('is silent when all is well, also while a save is on its way', () => {
    expect(barView(model())).toBeNull()
    expect(barView(model({ saves: [saving], waiting: 0 }))).toBeNull()
  })

  it('counts down in the last part of the idle time, and the ticking is not read out', () => {
    const view = barView(model({ sleepsIn: { ms: 61_000, ends: false } }))
    expect(view).toMatchObject({ ticking: '1:01' })
    expect(view?.text).not.toMatch(/\d/)
    expect(buttons(view)).toEqual(['Keep it running'])
    expect(buttons(barView(model({ sleepsIn: { ms: 61_000, ends: true } })))).toEqual([])
  })

  it('says that changes wait, whatever it is that they wait for', () => {
    for (const state of ['starting', 'asleep', 'lost', 'stopping', 'failed'] as const)
      expect(barView(model({ status: aStatus({ state }), waiting: 1, saves: [saving] }))?.text).toContain(
        'Your changes wait',
      )
  })

  it('offers to wake only where it is not done by itself', () => {
    const asleep = { status: aStatus({ state: 'asleep' }) }
    expect(buttons(barView(model({ ...asleep })))).toEqual([])
    expect(buttons(barView(model({ ...asleep, waiting: 1 })))).toEqual([])
    expect(buttons(barView(model({ ...asleep, waiting: 1, here: false })))).toEqual(['Wake it'])
  })

  it('names who saved what and when, and offers both', () => {
    const newer = { version: '8', savedBy: 'bob', agoMs: 180_000 }
    const view = barView(model({ saves: [{ kind: 'genesets', save: { state: 'conflict', newer } }] }))
    expect(view?.text).toContain('bob saved other gene sets 3 minutes ago')
    expect(view?.text).toContain('stays in the history')
    expect(buttons(view)).toEqual(['Keep both', 'Keep mine', 'Take theirs'])
    const own = barView(
      model({ saves: [{ kind: 'labels', save: { state: 'conflict', newer: { ...newer, savedBy: 'ada' } } }] }),
    )
    expect(own?.text).toContain('You saved other labels')
  })

  it('takes theirs only after a second word, with the way back and a file of mine', () => {
    const newer = { version: '8', savedBy: 'bob', agoMs: 0 }
    const saves = [{ kind: 'labels', save: { state: 'conflict', newer } }] as const
    const view = barView(model({ saves: [...saves], dropping: 'labels' }))
    expect(view?.text).toContain('is gone, unless you download it first')
    expect(buttons(view)).toEqual(['Download what is not saved', 'Take theirs', 'Back'])
  })

  it('tells of newer labels only while nothing of ours is unsaved', () => {
    const view = barView(model({ newer: ['labels', 'genesets'] }))
    expect(view?.text).toContain('Newer labels and gene sets were saved in another tab')
    expect(buttons(view)).toEqual(['Load them'])
    expect(barView(model({ newer: ['labels'], unsent: true }))).toBeNull()
  })

  it('says what becomes of unsaved work when the file is replaced, and opens the new one when told', () => {
    const moved = { moved: 'changed', trouble: trouble('dataset-changed') } as const
    const keeping = barView(model({ ...moved, saves: [{ kind: 'labels', save: { state: 'keeping' } }] }))
    expect(keeping?.text).toContain('Keeping your unsaved changes')
    expect(buttons(keeping)).toEqual([])
    // cellxgene has not even sent it yet.
    expect(buttons(barView(model({ ...moved, unsent: true })))).toEqual([])
    const offline = barView(model({ ...moved, trouble: trouble('offline'), saves: [saving] }))
    expect(offline?.text).toMatch(/replaced.*no connection/)
    expect(buttons(offline)).toEqual(['Download what is not saved'])
    const done = barView(model({ ...moved, kept: ['labels', 'genesets'] }))
    expect(done?.text).toContain('Your unsaved labels and gene sets are kept, too.')
    expect(buttons(done)).toEqual(['Open the new file'])
    const problem = { code: 'bad-request', title: 'T', detail: 'This version is not known.' }
    const failed = barView(model({ ...moved, saves: [{ kind: 'labels', save: { state: 'not-kept', problem } }] }))
    expect(failed?.text).toContain('could not be brought over: This version is not known. They are still in this page')
    expect(buttons(failed)).toEqual(['Download what is not saved', 'Try again'])
    expect(barView(model({ ...moved, mode: 'view' }))?.text).not.toContain('abel')
  })

  it('says that the file was removed, and where the labels are', () => {
    const view = barView(model({ moved: 'removed', status: aStatus({ state: 'unusable' }) }))
    expect(view?.text).toContain('The dataset’s file was removed. Your labels are kept')
    expect(view?.buttons[0]).toMatchObject({ href: '/v/pbmc/-/annotations/labels.csv', download: true })
  })

  it('gives the place in the line, and lets who is in it leave', () => {
    const status = aStatus({ state: 'queued', queue: { position: 3, length: 5 } })
    const view = barView(model({ status, waiting: 1, saves: [saving] }))
    expect(view?.text).toContain('You are 3rd in line for a viewer.')
    expect(view?.text).toContain('Your changes wait')
    expect(buttons(view)).toEqual(['Leave the line'])
    const left = barView(model({ status: aStatus({ state: 'asleep' }), waiting: 1, left: true }))
    expect(buttons(left)).toEqual(['Get in line again'])
  })

  it('names a guest, offers their labels, and sends them to no page of the launcher', () => {
    const guest = { guest: true, userName: 'Maria' }
    expect(barView(model(guest))?.text).toContain('Guest Maria')
    expect(buttons(barView(model(guest)))).toEqual(['Download my labels', 'Hide'])
    expect(barView(model({ ...guest, quiet: true }))).toBeNull()
    const view = barView(model({ ...guest, mode: 'view' }))
    expect(view?.text).toContain('you may look, and nothing is saved')
    expect(buttons(view)).toEqual(['Hide'])
    expect(buttons(barView(model({ ...guest, trouble: trouble('signed-out') })))).toEqual([])
    const over = barView(model({ ...guest, mode: 'view', unsent: true, trouble: trouble('link-over') }))
    expect(buttons(over)).toEqual([])
    expect(over?.text).toBe('T. D.')
  })

  it('tells once that a link is for looking only', () => {
    expect(barView(model({ readOnly: true }))?.text).toContain('for looking only')
    expect(buttons(barView(model({ readOnly: true })))).toEqual(['OK'])
  })

  it('offers the next larger size after an out-of-memory', () => {
    const problem = { code: 'out-of-memory', title: 'The viewer ran out of memory', detail: 'D', largerMiB: 4096 }
    const view = barView(model({ status: aStatus({ state: 'failed', problem }), waiting: 1 }))
    expect(view?.text).toContain('ran out of memory')
    expect(buttons(view)).toEqual(['Start with 4 GB', 'Try again'])
  })

  it.each([
    ['offline', []],
    ['signed-out', ['Sign in again', 'Download what is not saved']],
    ['owner-changed', ['Sign in as ada', 'Download what is not saved', 'Load the page anew']],
    ['link-over', ['Download what is not saved']],
    ['refused', ['Try again', 'Download what is not saved']],
  ] as const)('%s goes before everything else and says what becomes of unsaved work', (kind, expected) => {
    const view = barView(
      model({ trouble: trouble(kind), saves: [saving], waiting: 1, status: aStatus({ state: 'asleep' }) }),
    )
    expect(buttons(view)).toEqual(expected)
    expect(view?.text).toMatch(/not saved|changes wait/)
  })

  it('tells of a call that was given up', () => {
    const view = barView(model({ lost: ['differential expression'] }))
    expect(view?.text).toContain('(differential expression) could not be answered')
    // Nothing waits for the viewer that died under it, so that is no news; a save that waits is.
    const gone = { lost: ['differential expression'], status: aStatus({ state: 'lost' }) }
    expect(barView(model(gone))?.text).toBe(view?.text)
    expect(barView(model({ ...gone, waiting: 1, saves: [saving] }))?.text).toContain('is coming back')
    expect(buttons(view)).toEqual(['Try again', 'Leave it'])
  })
})

describe('the waiting view', () => {
  const view = (over: Partial<Model>) => waitingView(model(over))

  it('goes through the stages as they are', () => {
    const starting = (stage: 'starting' | 'downloading' | 'loading') =>
      view({ status: aStatus({ state: 'starting', stage, doneBytes: 250e6, totalBytes: 1000e6 }) })
    expect(view({ status: null })).toMatchObject({ stage: null, progress: undefined })
    expect(starting('starting')).toMatchObject({ stage: 0, progress: undefined })
    expect(starting('downloading')).toMatchObject({
      stage: 1,
      progress: 0.25,
      text: 'Downloading the file: 250 MB of 1.0 GB.',
    })
    expect(starting('loading')).toMatchObject({ stage: 2, progress: undefined })
    expect(view({})).toMatchObject({ stage: 3, heading: 'Almost there' })
  })

  it('gives the place in the line and how many wait behind, and lets leave', () => {
    const queued = (position: number, length: number) =>
      view({ status: aStatus({ state: 'queued', queue: { position, length } }) })
    expect(queued(1, 1)).toMatchObject({ heading: 'You are next in line', problem: false })
    expect(queued(3, 9).heading).toBe('You are 3rd in line')
    expect(queued(3, 9).text).toMatch(/6 more wait after you.*starts by itself.*keep this page open/)
    expect(buttons(queued(3, 9))).toEqual(['Leave the line'])
    const left = view({ status: aStatus({ state: 'asleep' }), left: true })
    expect([left.heading, ...buttons(left)]).toEqual(['You left the line', 'Get in line again'])
  })

  it('stays when the viewer died twice while it opened, and offers another try', () => {
    const lost = view({ lost: ['opening the dataset', 'an embedding'] })
    expect(lost.text).toContain('asked for opening the dataset and an embedding')
    expect(buttons(lost)).toEqual(['Try again'])
  })

  it('a guest is sent to the link again, and a removed dataset’s labels can be had', () => {
    expect(buttons(view({ trouble: trouble('signed-out'), guest: true }))).toEqual([])
    const problem = { code: 'dataset-removed', title: 'The file was removed', detail: '', largerMiB: null }
    const removed = view({ status: aStatus({ state: 'unusable', problem }) })
    expect(buttons(removed)).toEqual(['Download my labels', 'Load the page again'])
  })

  it('starts by itself only with somebody there; else there is a button', () => {
    const asleep = { status: aStatus({ state: 'asleep' }) }
    expect(buttons(view(asleep))).toEqual([])
    expect(buttons(view({ ...asleep, here: false }))).toEqual(['Wake it'])
  })

  it('gives cause, remedy and buttons when it fails', () => {
    const problem = {
      code: 'out-of-memory',
      title: 'The viewer ran out of memory',
      detail: 'More is needed.',
      largerMiB: 2048,
    }
    const failed = view({ status: aStatus({ state: 'failed', problem }) })
    expect(failed).toMatchObject({ heading: problem.title, text: problem.detail, problem: true, progress: null })
    expect(buttons(failed)).toEqual(['Start with 2 GB', 'Try again'])
    expect(buttons(view({ status: aStatus({ state: 'unusable' }) }))).toEqual(['Load the page again'])
  })

  it('a refused wake is told in its own words; one that needs a click, by what failed before', () => {
    const refusal = { code: 'too-many-sessions', title: 'Too many viewers', detail: 'Stop one.' }
    const tooMany = view({ refusal, status: aStatus() })
    expect(tooMany.heading).toBe('Too many viewers')
    expect(tooMany.text).toMatch(/^Stop one\. It is tried again by itself/)
    expect(buttons(tooMany)).toEqual(['My sessions', 'Try again'])
    // Guests have no such page, and a cap of the whole launcher is not about their own.
    expect(buttons(view({ refusal, status: aStatus(), guest: true }))).toEqual(['Try again'])
    expect(buttons(view({ refusal: { ...refusal, scope: 'all' }, status: aStatus() }))).toEqual(['Try again'])
    const problem = { code: 'start-timeout', title: 'It took too long', detail: 'D', largerMiB: null }
    const needsClick = { ...refusal, code: 'needs-click' }
    expect(view({ refusal: needsClick, status: aStatus({ problem }) }).heading).toBe('It took too long')
  })

  it.each(['offline', 'signed-out', 'owner-changed', 'dataset-changed', 'link-over', 'refused'] as const)(
    'has words for %s',
    (kind) => {
      expect(view({ trouble: trouble(kind) }).heading).not.toBe('Almost there')
    },
  )
})
