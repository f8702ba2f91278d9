/**
 * Runs before every test file of a run that records (see suite-record.ts): every cookie, token and query string that passes
 * through this process, sent or received, is one that no log may hold. Node's diagnostics channels tell of each request,
 * whichever client or server made it.
 */
import { subscribe } from 'node:diagnostics_channel'
import type { ClientRequest, IncomingMessage } from 'node:http'
import { recordSecret, suiteVariable } from './suite-record.ts'

type Values = string | number | readonly string[] | undefined

export function recordHeader(name: string, value: Values): void {
  const texts = Array.isArray(value) ? value : [String(value ?? '')]
  for (const text of texts) {
    if (name === 'authorization') recordSecret('token', text.replace(/^\w+ /, ''))
    if (name === 'cookie') for (const pair of text.split(';')) recordCookie(pair)
    if (name === 'set-cookie') recordCookie(text.split(';')[0] ?? '')
    if (name === 'location') recordQuery(text)
  }
}

function recordCookie(pair: string): void {
  if (/^\s*(?:__Host-)?cxod-/.test(pair)) recordSecret('cookie', pair.slice(pair.indexOf('=') + 1).trim())
}

export function recordQuery(url: string): void {
  const query = /\?([^#]*)/.exec(url)?.[1]
  // What is asked of our own servers and cellxgene's; an emulator's are its own.
  if (!query || query.startsWith('X-Amz-')) return
  recordSecret('query string', query)
  for (const [name, value] of new URLSearchParams(query)) {
    if (name === 'ticket') recordSecret('token', value)
    if (name.startsWith('var:')) recordSecret('gene', value)
  }
}

export function recordHeaders(headers: Readonly<Record<string, Values>>): void {
  for (const [name, value] of Object.entries(headers)) recordHeader(name.toLowerCase(), value)
}

if (process.env[suiteVariable]) {
  subscribe('http.server.request.start', (message) => {
    const { request } = message as { request: IncomingMessage }
    recordQuery(request.url ?? '')
    recordHeaders(request.headers)
  })
  subscribe('http.client.request.start', (message) => {
    const { request } = message as { request: ClientRequest }
    recordQuery(request.path)
    recordHeaders(request.getHeaders())
  })
  subscribe('http.client.response.finish', (message) => {
    recordHeaders((message as { response: IncomingMessage }).response.headers)
  })
  // `fetch`: headers are one text, or names and values in turn, by the version that comes with node.
  subscribe('undici:request:create', (message) => {
    const { request } = message as { request: { path: string; headers: string | readonly string[] } }
    recordQuery(request.path)
    const lines =
      typeof request.headers === 'string'
        ? request.headers.split('\r\n').map((line) => line.split(/: (.*)/s).slice(0, 2))
        : pairs(request.headers)
    for (const [name = '', value = ''] of lines) recordHeader(name.toLowerCase(), value)
  })
  subscribe('undici:request:headers', (message) => {
    const { response } = message as { response: { headers: readonly Buffer[] } }
    for (const [name = '', value = ''] of pairs(response.headers.map(String))) recordHeader(name.toLowerCase(), value)
  })
}

function pairs(flat: readonly string[]): string[][] {
  return flat.flatMap((name, at) => (at % 2 === 0 ? [[name, flat[at + 1] ?? '']] : []))
}
