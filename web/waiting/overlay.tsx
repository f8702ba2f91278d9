/** What covers cellxgene until it can draw: the stages of the viewer's start. The companion fills in the words. */
import type { FC } from 'hono/jsx'

/** The companion finds its places by `data-cxod`; the words below stand until its first answer, and without JavaScript. */
export const WaitingOverlay: FC<{ title: string; appUrl: string; guest: boolean }> = ({ title, appUrl, guest }) => (
  <main id="cxod-wait" class="cxod" aria-labelledby="cxod-wait-title">
    <div class="cxod-card">
      <p class="cxod-kicker">{title}</p>
      <h1 id="cxod-wait-title" data-cxod="heading">
        Opening your viewer
      </h1>
      <ol class="cxod-stages" data-cxod="stages">
        <li>Start</li>
        <li>Download</li>
        <li>Load</li>
        <li>Open</li>
      </ol>
      <progress data-cxod="progress" aria-label="Progress" />
      <p data-cxod="text" role="status">
        Asking for your viewer.
      </p>
      <noscript>
        <p>
          <strong>This page needs JavaScript.</strong> cellxgene runs in your browser; please switch JavaScript on for
          this site and load the page again.
        </p>
      </noscript>
      <p class="cxod-buttons" data-cxod="buttons" />
      {/* To a guest the launcher's own pages are closed. */}
      {guest ? null : (
        <p class="cxod-foot">
          <a href={appUrl}>All datasets</a>
        </p>
      )}
    </div>
  </main>
)

/**
 * The quiet bar: empty and out of sight until there is something to say. It comes before cellxgene in the page, so the
 * first tab stops are its buttons. What is read out stands in places of its own, which are there from the start.
 */
export const QuietBar: FC = () => (
  <>
    <aside id="cxod-bar" class="cxod" aria-label="Viewer status" hidden>
      <span data-cxod="text" />
      <span data-cxod="ticking" aria-hidden="true" />
      <span class="cxod-buttons" data-cxod="buttons" />
    </aside>
    <div id="cxod-say" class="cxod-unseen" role="status" aria-live="polite" />
    <div id="cxod-alert" class="cxod-unseen" role="alert" aria-live="assertive" />
  </>
)
