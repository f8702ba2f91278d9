/** Puts the steps together: ports and limits in, a launcher out. */
import { checkLimits, type Limits } from '../core/limits.ts'
import type { Ports } from '../core/ports.ts'
import { type GateSettings, knock, loaded, progress } from './admit.ts'
import * as annotations from './annotations.ts'
import { carried } from './carry-over.ts'
import { watchSessions } from './changes.ts'
import { createHere } from './context.ts'
import { beat, bye } from './heartbeat.ts'
import { keepBeside } from './keep-beside.ts'
import { lend, offerUpload } from './large-bodies.ts'
import { launch } from './launch.ts'
import { createLine, stillWaiting } from './line.ts'
import { getDataset, listDatasets } from './list-datasets.ts'
import { promote } from './promote.ts'
import { reap } from './reap.ts'
import * as share from './share.ts'
import { keep, ownSession, stop } from './stop.ts'
import { datasetChanged, recover, shutdown, sweep, taskChanged } from './sweep.ts'
import { tick } from './tick.ts'
import type { Launcher } from './types.ts'
import { uploadLabels } from './upload-labels.ts'

export type { Launcher } from './types.ts'

/**
 * Throws `bad-setting` when the limits break the rules that make the protocol safe.
 * @param here shared by launchers of one process, should there be several
 */
export function createLauncher(given: Ports, limits: Limits, gates: GateSettings, here = createHere()): Launcher {
  const line = createLine(given.sessions, given.clock)
  const changes = watchSessions(given.sessions, line.moved)
  const ports: Ports = { ...given, sessions: changes.sessions }
  const context = { ports, limits: checkLimits(limits), here }
  /** After whatever may have freed a place. Who freed it does not hear of the trouble of who gets it. */
  const thenPromote = async <T>(freed: Promise<T>): Promise<T> => {
    const result = await freed
    await promote(context).catch((error: unknown) => ports.log('error', 'promote failed', { error: String(error) }))
    return result
  }
  return {
    listDatasets: (who) => listDatasets(context, who),
    getDataset: (who, id) => getDataset(context, who, id),
    launch: (who, datasetId, options) => launch(context, who, datasetId, options),
    async listSessions(who) {
      return (await ports.sessions.listByOwner(who.id)).sort((a, b) => b.createdAt - a.createdAt)
    },
    getSession: (who, id) => ownSession(context, who, id),
    findSession: (who, datasetId) => ports.sessions.get(who.id, datasetId),
    waitForChange: changes.wait,
    async waitInLine(session) {
      if (session.state !== 'queued') return null
      if (await stillWaiting(context, session)) await thenPromote(Promise.resolve())
      return line.place(session)
    },
    stop: (who, id) => thenPromote(stop(context, who, id)),
    keep: (who, id) => keep(context, who, id),
    receipts: (who) => ports.receipts.listByOwner(who.id),
    knock: (gate) => knock(context, gates, gate),
    progress: (gate, report) => progress(context, gate, report),
    loaded: (gate) => loaded(context, gate),
    beat: (gate, report) => beat(context, gate, report),
    bye: (gate, report) => thenPromote(bye(context, gate, report)),
    vaultRead: (gate, kind, version) => annotations.vaultRead(context, gate, kind, version),
    vaultUpload: (gate, body) => annotations.vaultUpload(context, gate, body),
    vaultPut: (gate, kind, body, save) => annotations.vaultPut(context, gate, kind, body, save),
    listAnnotations: (who) => annotations.listAnnotations(context, who),
    history: (who, datasetId, kind) => annotations.history(context, who, datasetId, kind),
    readVersion: (who, datasetId, kind, version) => annotations.readVersion(context, who, datasetId, kind, version),
    restore: (who, datasetId, kind, version, base) => annotations.restore(context, who, datasetId, kind, version, base),
    keepBeside: (who, datasetId, kind, save) => keepBeside(context, who, datasetId, kind, save),
    uploadLabels: (who, datasetId, upload) => uploadLabels(context, who, datasetId, upload),
    offerUpload: (who, body) => offerUpload(context, who, body),
    directBytes: ports.vault.uploads?.directBytes ?? null,
    uploadPlace: async (who) => (await ports.vault.uploads?.place(who.id)) ?? null,
    lend: (body, fileName) => lend(context, body, fileName),
    carried: (who, datasetId) => carried(context, who, datasetId),
    makeLink: (who, datasetId, wish) => share.makeLink(context, who, datasetId, wish),
    listLinks: (who, datasetId) => share.listLinks(context, who, datasetId),
    getLink: (who, linkId) => share.getLink(context, who, linkId),
    revokeLink: (who, linkId) => thenPromote(share.revokeLink(context, who, linkId)),
    guestAnnotations: (who, linkId) => share.guestAnnotations(context, who, linkId),
    readGuestVersion: (who, wanted) => share.readGuestVersion(context, who, wanted),
    reap: () => thenPromote(reap(context)),
    promote: () => promote(context),
    sweep: () => sweep(context),
    tick: (options) => tick(context, options),
    recover: () => recover(context),
    shutdown: () => shutdown(context),
    taskChanged: (sessionId) => thenPromote(taskChanged(context, sessionId)),
    datasetChanged: (datasetId) => thenPromote(datasetChanged(context, datasetId)),
  }
}
