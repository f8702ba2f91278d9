/** The companion: runs before cellxgene's own script, wraps `fetch`, and wires the parts to this page. */
import { createActivity, reportEveryMs } from './activity.ts'
import { barView } from './bar.ts'
import { createBases } from './base.ts'
import { configElementId, type PageConfig } from './config.ts'
import { createScreen } from './dom.ts'
import { type Env, ownHeaders } from './env.ts'
import { wrapFetch } from './fetch.ts'
import type { Action, Model } from './model.ts'
import { createSaves } from './saves.ts'
import { createLink, warnMs } from './status.ts'
import { waitingView } from './waiting.ts'

/** cellxgene has its data but does not draw: show it all the same, with whatever it says, after this, ms. */
const drawMs = 30_000

function run(config: PageConfig): void {
  const real = window.fetch.bind(window)
  const env: Env = {
    fetch: real,
    now: () => performance.now(),
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const timer = Number.isFinite(ms) ? setTimeout(resolve, ms) : undefined
        signal?.addEventListener('abort', () => {
          clearTimeout(timer)
          resolve()
        })
      }),
    visible: () => document.visibilityState === 'visible',
  }

  let drawn = false
  let lostCall = false
  let leaving = false
  const activity = createActivity({
    now: env.now,
    visible: env.visible,
    everyMs: reportEveryMs(config.idleMs),
    back: () => link.nudge(),
    report: reportUse,
  })
  const link = createLink(config, env, activity.here)
  const saves = createSaves(show)
  const screen = createScreen(act)
  const lost = () => {
    lostCall = true
    show()
  }
  window.fetch = wrapFetch({ config, env, link, bases: createBases(), saves, lost }, real, location.href)

  function show(): void {
    const model: Model = {
      userName: config.owner.name,
      status: link.status(),
      trouble: link.trouble(),
      refusal: link.refusal(),
      here: activity.here(),
      waiting: link.waiting(),
      saves: saves.list(),
      sleepsIn: link.sleepsIn(),
      warnMs: warnMs(config.idleMs),
      lostCall,
    }
    // Not opened for good yet, and the file is another: nothing here is worth keeping.
    if (!drawn && model.trouble?.kind === 'dataset-changed') act({ do: 'reload' })
    else if (!drawn) screen.waiting(waitingView(model))
    else screen.bar(barView(model))
  }

  function act(action: Action): void {
    switch (action.do) {
      case 'wake':
        void link.wake('click', action.larger ?? false)
        break
      case 'keep':
        void link.keep()
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
      case 'dismiss':
        lostCall = false
        show()
        break
      case 'reload':
        leaving = true
        location.reload()
    }
  }

  async function reportUse(): Promise<boolean> {
    const route = link.status()?.route
    if (!route) return false
    try {
      const headers = ownHeaders(config)
      const response = await real(`${route}-/active`, {
        method: 'POST',
        headers,
        credentials: 'same-origin',
        keepalive: true,
      })
      if (response.ok) link.used()
      // An old cookie, a viewer that is gone: the status knows, and brings a new cookie.
      else link.nudge()
      return response.ok
    } catch {
      link.nudge()
      return false
    }
  }

  /** cellxgene sends a change 2.5 s after it was made; until then only its own words tell. */
  const unsaved = () =>
    saves.list().length > 0 || document.querySelector('[data-testclass="autosave-incomplete"]') !== null

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
    const timer = setInterval(() => {
      const graph = document.querySelector('[data-testid="layout-graph"]')
      // Ready and nothing on its way, yet no picture: cellxgene has something to say for itself.
      const idle = link.status()?.state === 'ready' && link.waiting() === 0
      since = idle ? (since ?? env.now()) : null
      if (graph === null && (since === null || env.now() - since < drawMs)) return
      clearInterval(timer)
      drawn = true
      document.title = `${config.dataset.title} – cellxgene`
      screen.leaveWaiting()
      show()
    }, 100)
  }

  link.onChange(show)
  // The countdown, and the moment when somebody has been away too long.
  setInterval(() => {
    if (drawn && env.visible()) show()
  }, 1000)
  watchForDrawing()
  link.start()
  show()
}

run(JSON.parse(document.getElementById(configElementId)?.textContent ?? '') as PageConfig)
