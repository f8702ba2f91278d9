/** The companion: runs before cellxgene's own script, wraps `fetch`, and wires the parts to this page. */
import { createActivity, reportEveryMs } from './activity.ts'
import { barView } from './bar.ts'
import { createBases, saveKinds } from './base.ts'
import { browserEnv, browserStorage, unsentInPage } from './browser.ts'
import { createCellNames } from './cell-names.ts'
import { configElementId, type PageConfig } from './config.ts'
import { createScreen } from './dom.ts'
import { wrapFetch } from './fetch.ts'
import { createLost } from './lost.ts'
import type { Action, Model } from './model.ts'
import { createNotes } from './notes.ts'
import { warnMs } from './pace.ts'
import { createPageCalls } from './page-calls.ts'
import { createSaves } from './saves.ts'
import { createLink } from './status.ts'
import { createTurns } from './turns.ts'
import { waitingView } from './waiting.ts'

/** cellxgene has its data but does not draw: show it all the same, with whatever it says, after this, ms. */
const drawMs = 30_000

function run(config: PageConfig): void {
  const real = window.fetch.bind(window)
  const env = browserEnv(real)
  const storage = browserStorage()
  const notes = createNotes(storage, `cxod-notes ${config.owner.id} ${config.home}`)
  const quietKey = `cxod-quiet ${config.owner.id} ${config.home}`

  let drawn = false
  let leaving = false
  let readOnly: 'no' | 'said' | 'seen' = 'no'
  let dropping: Model['dropping'] = null
  const activity = createActivity({
    now: env.now,
    visible: env.visible,
    everyMs: reportEveryMs(config.idleMs),
    back: () => link.nudge(),
    report: () => calls.reportUse(),
  })
  const link = createLink(config, env, activity.here)
  const bases = createBases()
  const saves = createSaves(show, (kind, answer) => notes.keep(kind, link.moved() ? 'carried' : 'merged', answer))
  const lost = createLost(show)
  const cells = createCellNames({ config, env, link })
  const calls = createPageCalls({ config, env, link, bases, saves, cells })
  const screen = createScreen(act)
  window.fetch = wrapFetch(
    {
      config,
      env,
      link,
      bases,
      saves,
      lost,
      turns: createTurns(),
      answered: cells.answered,
      readOnly: () => {
        if (readOnly === 'no') readOnly = 'said'
        show()
      },
    },
    real,
    location.href,
  )

  const unsent = () => config.mode === 'annotate' && unsentInPage()
  /** cellxgene sends a change 2.5 s after it was made; until then only its own words tell. */
  const unsaved = () => saves.list().length > 0 || unsent()

  function model(): Model {
    const status = link.status()
    const list = saves.list()
    if (!list.some(({ kind, save }) => kind === dropping && save.state === 'conflict')) dropping = null
    return {
      userName: config.owner.name,
      guest: config.guest,
      mode: config.mode,
      appUrl: config.appUrl,
      home: config.home,
      status,
      trouble: link.trouble(),
      refusal: link.refusal(),
      here: activity.here(),
      waiting: link.waiting(),
      saves: list,
      moved: link.moved(),
      kept: saves.keptKinds(),
      dropping,
      newer: saveKinds.filter((kind) => bases.newer(kind) && !list.some((save) => save.kind === kind)),
      unsent: unsent(),
      told: notes.list(status?.carried ?? null),
      left: link.left(),
      sleepsIn: link.sleepsIn(),
      warnMs: warnMs(config.idleMs),
      lost: lost.list(),
      readOnly: readOnly === 'said',
      quiet: storage.get(quietKey) !== null,
    }
  }

  function show(): void {
    if (leaving) return
    const now = model()
    // Not opened for good yet, and the file is another: nothing here is worth keeping.
    if (!drawn && now.trouble?.kind === 'dataset-changed') void loadAgain(false)
    else if (!drawn) screen.waiting(waitingView(now))
    else screen.bar(barView(now))
    // "Keep both" was asked for, so its page comes by itself; a file that was replaced is opened when its user wants.
    if (now.kept.length > 0 && now.moved === null && !unsaved()) void loadAgain(true)
  }

  /** @param look have the viewer read what was saved beside it, so that the page shows that and not what it had */
  async function loadAgain(look: boolean): Promise<void> {
    leaving = true
    if (look) await calls.look()
    location.reload()
  }

  function act(action: Action): void {
    switch (action.do) {
      case 'wake':
        void link.wake('click', action.larger ?? false)
        break
      case 'keep':
        void link.keep()
        break
      case 'leave':
        void link.leave()
        break
      case 'sign-in':
        window.open(`${config.home}-/sign-in`, '_blank')
        break
      case 'home':
        location.assign(config.home)
        break
      case 'retry':
        link.nudge()
        break
      case 'go-on':
        saves.goOn(action.kind)
        break
      case 'keep-both':
        saves.keepBoth(action.kind)
        break
      case 'download':
        void calls.download()
        break
      // With anything unsaved the browser asks first.
      case 'reload':
        location.reload()
        break
      case 'drop-now':
        void loadAgain(true)
        break
      case 'load-newer':
        if (!unsaved()) void loadAgain(true)
        break
      case 'open-new':
        if (!unsaved()) void loadAgain(false)
        break
      case 'again':
        lost.answer(true)
        break
      case 'leave-it':
        lost.answer(false)
        break
      case 'drop':
        dropping = action.kind
        break
      case 'back':
        dropping = null
        break
      case 'told':
        notes.dismiss(link.status()?.carried ?? null)
        break
      case 'seen-read-only':
        readOnly = 'seen'
        break
      case 'quiet':
        storage.set(quietKey, '1')
    }
    show()
  }

  for (const event of ['pointerdown', 'pointermove', 'keydown', 'wheel', 'touchstart'])
    window.addEventListener(event, () => activity.used(), { capture: true, passive: true })
  document.addEventListener('visibilitychange', () => {
    if (env.visible()) activity.used()
    link.nudge()
  })
  // Back from the tab in which one signed in again, or on the network again.
  for (const event of ['focus', 'online']) window.addEventListener(event, () => link.nudge())
  window.addEventListener('beforeunload', (event) => {
    if (drawn && !leaving && unsaved()) event.preventDefault()
  })

  function watchForDrawing(): void {
    let since: number | null = null
    const title = `${config.dataset.title} – cellxgene`
    const timer = setInterval(() => {
      // cellxgene's script gives each page the same one, and several wait at once.
      if (document.title !== title) document.title = title
      const graph = document.querySelector('[data-testid="layout-graph"]')
      // Ready and nothing on its way, yet no picture: cellxgene has something to say for itself.
      const idle = link.status()?.state === 'ready' && link.waiting() === 0 && lost.list().length === 0
      since = idle ? (since ?? env.now()) : null
      if (graph === null && (since === null || env.now() - since < drawMs)) return
      clearInterval(timer)
      drawn = true
      screen.leaveWaiting()
      show()
    }, 100)
  }

  link.onChange(() => {
    if (link.moved() !== null) saves.resendAll()
    show()
  })
  // The countdown, and the moment when somebody has been away too long.
  setInterval(() => {
    if (drawn && config.mode === 'annotate' && link.moved() === null) cells.fetch()
    if (drawn && (env.visible() || saves.keptKinds().length > 0)) show()
  }, 1000)
  watchForDrawing()
  link.start()
  show()
}

run(JSON.parse(document.getElementById(configElementId)?.textContent ?? '') as PageConfig)
