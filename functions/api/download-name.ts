/** Names of downloaded files: safe in a header and on every file system, whatever a dataset or a guest is called. */
export function downloadName(of: string, kind: string, version: string): string {
  const name =
    of
      .replace(/[^A-Za-z0-9._-]+/g, '_')
      .replace(/^\.+/, '')
      .slice(0, 80) || 'dataset'
  return `${name}-${kind}-v${version}.csv`
}
