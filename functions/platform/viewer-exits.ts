/** Exit codes of the viewer (functions/viewer): what it knows of its own end, the same on every platform. */
export const viewerExits: Readonly<Record<number, 'out-of-memory' | 'load-failed'>> = {
  77: 'out-of-memory',
  78: 'load-failed',
}
