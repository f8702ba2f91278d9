/** The public side of a gate: decides who may pass, then hands each call to what answers it. Nothing outside the route is answered. */
import http, { type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { Work } from '../api/contract/gate.ts'
import type { Log } from '../core/ports.ts'
import type { Activity } from './activity.ts'
import { type Answer, deliver, held, problem } from './answer.ts'
import { type AnswerDeps, answerApi } from './answer-api.ts'
import { pageHeaders, versionHeaders } from './header-names.ts'
import type { Later } from './later.ts'
import { problemOf } from './problem-of.ts'
import { resolveTarget, type Target } from './request-target.ts'
import type { CookieCheck } from './route-cookie.ts'
import type { Tuning } from './tuning.ts'

/** What the server knows of its session; grows as the gate gets on. */
export type GateState = {
  /** Null until the API has said what to do: nothing is answered then. */
  open: { work: Work; checkCookie: CookieCheck; answering: AnswerDeps } | null
  /** The API has said that the session is ready. */
  ready: boolean
  /** The gate is about to leave: what comes now is for its successor. */
  leaving: boolean
  /** Requests under way. */
  busy: number
}

export type ServerDeps = {
  state: GateState
  later: Later
  activity: Activity
  log: Log
  tuning: Tuning
}

export function createGateServer(deps: ServerDeps): Server {
  const { tuning, state, log } = deps
  const server = http.createServer(
    {
      headersTimeout: tuning.headersMs,
      requestTimeout: tuning.requestMs,
      connectionsCheckingInterval: Math.min(5_000, tuning.requestMs / 4),
      // Longer than the 60 s after which a load balancer gives up an idle connection: the one that closes must not be us.
      keepAliveTimeout: 75_000,
    },
    (req, res) => {
      state.busy += 1
      res.once('close', () => {
        state.busy -= 1
      })
      handle(req, res, deps).catch((error: unknown) => deliver(res, problemOf(error, log)))
    },
  )
  // A client that reads or writes nothing for this long holds a connection of the viewer for nothing.
  server.setTimeout(tuning.silentSocketMs)
  return server
}

async function handle(req: IncomingMessage, res: ServerResponse, deps: ServerDeps): Promise<void> {
  const { open } = deps.state
  if (req.url === loadBalancersPath) return isUp(res, req.method ?? '', deps.state)
  const target = open && resolveTarget(req.url ?? '', open.work.routePath)
  if (!open || !target) return refuse(res, notFound)
  const method = req.method ?? ''
  if (target.kind === 'health') return health(res, method, deps.state)
  const checked = open.checkCookie(req.headers.cookie)
  // Awaited only when a cookie is new: a turn of the event loop for every request is not free.
  if (!(typeof checked === 'boolean' ? checked : await checked)) return refuse(res, notSignedIn)
  const wrong = wrongPage(req, open.work, target)
  if (wrong) return refuse(res, wrong)
  if (target.kind === 'active') {
    if (method !== 'POST') return refuse(res, notAllowed(['POST']))
    req.resume()
    deps.activity.touch()
    return deliver(res, { status: 204, headers: newest(open.answering.sync), body: null })
  }
  if (target.kind === 'look') {
    if (method !== 'POST') return refuse(res, notAllowed(['POST']))
    req.resume()
    // The vault has changed behind the viewer's back (kept beside, uploaded): read it before a page is loaded from it.
    if (open.work.mode === 'annotate')
      for (const kind of ['labels', 'genesets'] as const) await open.answering.sync.look(kind)
    return deliver(res, { status: 204, headers: newest(open.answering.sync), body: null })
  }
  if (target.kind === 'later') {
    if (method !== 'GET') return refuse(res, notAllowed(['GET']))
    const gone = new AbortController()
    res.once('close', () => gone.abort())
    return deliver(res, await deps.later.fetch(target.id, gone.signal))
  }
  const handling = target.methods[method]
  if (!handling) return refuse(res, notAllowed(Object.keys(target.methods)))
  if (typeof handling === 'object' && 'save' in handling && open.work.mode === 'view') return refuse(res, readOnly)
  if (!deps.state.ready || deps.state.leaving) return refuse(res, held())
  answerApi(req, res, { target, handling, method }, open.answering)
}

/** So that a page in use learns soon that something newer was saved: by another tab, another device, a restore. */
const newest = (sync: AnswerDeps['sync']) => ({
  [versionHeaders.labels]: sync.known('labels') ?? 'none',
  [versionHeaders.genesets]: sync.known('genesets') ?? 'none',
})

/** Other pages than this session's get nothing: their user has signed in as somebody else, or their dataset is another one now. */
function wrongPage(req: IncomingMessage, work: Work, target: Target): Answer | null {
  const owner = req.headers[pageHeaders.owner]
  const version = req.headers[pageHeaders.datasetVersion]
  // A beacon can't carry headers, so activity may come without them; what it carries must be right.
  const required = target.kind === 'api'
  if (owner !== asHeader(work.ownerId) && (required || owner !== undefined)) return ownerChanged
  if (version !== work.datasetVersion && (required || version !== undefined)) return datasetChanged
  return null
}

/** Header values are Latin-1 on the wire: the companion percent-encodes an id that is not plain ASCII. */
const asHeader = (ownerId: string): string => (/^[\x21-\x7e]*$/.test(ownerId) ? ownerId : encodeURIComponent(ownerId))

function refuse(res: ServerResponse, answer: Answer): void {
  deliver(res, answer, res.req.method === 'HEAD')
}

/** Where a load balancer looks: outside of every route, because one look must do for whichever session a task serves. */
const loadBalancersPath = '/-/health'

/** Before the work is known too: a target must be healthy by the time its session is. Says no more than the status does. */
function isUp(res: ServerResponse, method: string, state: GateState): void {
  const [status, word] = state.leaving ? [503, 'leaving'] : [200, 'ok']
  const answer = { status, headers: { 'content-type': 'text/plain' }, body: Buffer.from(word) }
  refuse(res, method === 'GET' || method === 'HEAD' ? answer : notAllowed(['GET', 'HEAD']))
}

function health(res: ServerResponse, method: string, state: GateState): void {
  if (method !== 'GET' && method !== 'HEAD') {
    refuse(res, notAllowed(['GET', 'HEAD']))
    return
  }
  const body = Buffer.from(`{"status":"${state.leaving ? 'leaving' : 'ok'}"}`)
  deliver(
    res,
    { status: state.leaving ? 503 : 200, headers: { 'content-type': 'application/json' }, body },
    method === 'HEAD',
  )
}

const notFound = problem(404, 'not-found', 'Not found', 'There is nothing at this address.')
const notSignedIn = problem(
  401,
  'not-signed-in',
  'Sign in first',
  'This address needs the cookie of its own page, and yours is missing, has ended or is another one’s. Load the page again.',
)
const ownerChanged = problem(
  409,
  'owner-changed',
  'Somebody else is signed in',
  'This page was loaded by somebody else than this viewer is for. Load it again.',
)
const datasetChanged = problem(
  409,
  'dataset-changed',
  'The dataset has changed',
  'This page was loaded from another version of the dataset. Load it again.',
)
const readOnly = problem(
  403,
  'read-only',
  'For looking only',
  'This page is for looking: labels and gene sets made here are not kept. Ask whoever sent the link for one to annotate with.',
)

function notAllowed(methods: string[]): Answer {
  const detail = `Only ${methods.join(', ')} is possible here.`
  return problem(405, 'bad-request', 'Not a method of this address', detail, {}, { allow: methods.join(', ') })
}
