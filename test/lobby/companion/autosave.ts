/** A page with labels on a viewer that runs, and cellxgene's way of saving them. */
import { aStatus, json, scripted, watch } from './scripted.ts'

export const problem = (status: number, code: string, more: object = {}) =>
  json({ code, title: code, detail: 'why', ...more }, status)

export function opened(over: Parameters<typeof scripted>[0] = {}) {
  const all = scripted(over)
  const { world, fetch, api } = all
  world.status = aStatus({ state: 'ready' })
  world.onRoute = () => json({}, 200, { 'x-cxod-labels-version': '3' })
  watch(fetch(`${api}schema`))
  /** What the page holds, as cellxgene sends it: again and again until a save is answered well. */
  const page = { body: 'mine', saved: '', answers: [] as number[] }
  const autosave = async () => {
    for (;;) {
      const sent = page.body
      if (sent !== page.saved) {
        const response = await fetch(`${api}annotations/obs`, {
          method: 'PUT',
          body: sent,
          headers: { 'content-type': 'application/octet-stream' },
        })
        page.answers.push(response.status)
        if (response.ok) page.saved = sent
      }
      await new Promise((resolve) => setTimeout(resolve, 2500))
    }
  }
  return { ...all, page, start: () => void autosave() }
}
