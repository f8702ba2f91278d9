// Every setting of `npm start`: one table, from which the parser, `--help` and the README's table are made.
// Plain JavaScript, because `npm start -- --help` must answer before anything is installed or built.

/** @typedef {'folder' | 'file' | 'port' | 'host' | 'origin' | 'duration' | 'count' | 'choice' | 'memory'} SettingKind */

/**
 * @typedef {object} SettingRow
 * @property {string} flag without the leading `--`
 * @property {string} value what stands for the value in the help
 * @property {SettingKind} kind
 * @property {string} fallback the default as it would be typed; empty: none
 * @property {string} shown the default in words where `fallback` can't say it
 * @property {string} help
 */

/** @type {readonly SettingRow[]} */
export const settingsTable = [
  {
    flag: 'data',
    value: 'DIR',
    kind: 'folder',
    fallback: './data',
    shown: '`./data`, with a sample in it',
    help: 'Folder with the `.h5ad` files, as `<group>/<name>.h5ad`; `public/` is for everybody.',
  },
  {
    flag: 'state',
    value: 'DIR',
    kind: 'folder',
    fallback: './state',
    shown: '',
    help: 'Folder of everything that is kept: users, sessions, annotations, the Python environment. Back this up.',
  },
  {
    flag: 'port',
    value: 'N',
    kind: 'port',
    fallback: '8080',
    shown: '',
    help: 'Port of the launcher (sign-in, catalogue, API).',
  },
  {
    flag: 'view-port',
    value: 'N',
    kind: 'port',
    fallback: '8081',
    shown: '',
    help: 'Port of the viewers’ pages.',
  },
  {
    flag: 'host',
    value: 'ADDRESS',
    kind: 'host',
    fallback: '127.0.0.1',
    shown: '',
    help: 'Address to listen on. Other machines reach it through a reverse proxy with TLS, or with `0.0.0.0` on a trusted network.',
  },
  {
    flag: 'app-url',
    value: 'URL',
    kind: 'origin',
    fallback: '',
    shown: '`http://localhost:<port>`',
    help: 'Address of the launcher as browsers see it.',
  },
  {
    flag: 'view-url',
    value: 'URL',
    kind: 'origin',
    fallback: '',
    shown: '`http://127.0.0.1:<view-port>`',
    help: 'Address of the viewers’ pages as browsers see it. Its host must differ from the launcher’s: cookies ignore ports.',
  },
  {
    flag: 'idle',
    value: 'DURATION',
    kind: 'duration',
    fallback: '30m',
    shown: '',
    help: 'A viewer that nobody uses for this long is put to sleep (`30s`, `20m`, `2h`).',
  },
  {
    flag: 'lifetime',
    value: 'DURATION',
    kind: 'duration',
    fallback: '12h',
    shown: '',
    help: 'Longest life of a viewer, used or not. The next one starts by itself when its page is used.',
  },
  {
    flag: 'max-sessions',
    value: 'N',
    kind: 'count',
    fallback: '20',
    shown: '',
    help: 'Most viewers that run at once. Whoever comes later waits in line.',
  },
  {
    flag: 'viewer-memory',
    value: 'SIZE',
    kind: 'memory',
    fallback: '',
    shown: 'three quarters of the machine’s',
    help: 'Memory for all viewers together (`12GB`). Whoever finds none left waits in line.',
  },
  {
    flag: 'max-sessions-per-user',
    value: 'N',
    kind: 'count',
    // With fewer places in all, as many as those.
    fallback: '',
    shown: '`3`',
    help: 'Most viewers that run at once for one person.',
  },
  {
    flag: 'max-sessions-per-link',
    value: 'N',
    kind: 'count',
    fallback: '',
    shown: '`5`',
    help: 'Most viewers that run at once for the guests of one launch link.',
  },
  {
    flag: 'diffexp-cells',
    value: 'N',
    kind: 'count',
    fallback: '2000000',
    shown: '',
    help: 'Most cells, both groups together, in one differential expression.',
  },
  {
    flag: 'sandbox',
    value: 'HOW',
    kind: 'choice',
    fallback: 'auto',
    shown: '',
    help: 'How viewers are kept from one another and from the launcher’s secrets: `bubblewrap`, `none`, or `auto` (bubblewrap where it works).',
  },
  {
    flag: 'issuers',
    value: 'FILE',
    kind: 'file',
    fallback: '',
    shown: 'none',
    help: 'JSON list of the identity providers whose bearer tokens the API accepts: `[{"name", "issuer", "audience", "jwksUrl", "groupsClaim"}]`.',
  },
  {
    flag: 'log',
    value: 'FILE',
    kind: 'file',
    fallback: '',
    shown: '`<state>/launcher.log`',
    help: 'File that the log is appended to, one JSON object per line.',
  },
  {
    flag: 'python',
    value: 'FILE',
    kind: 'file',
    fallback: '',
    shown: 'searched on the path',
    help: 'Python 3.10, 3.11 or 3.12 from which the viewers’ environment is made.',
  },
]

/**
 * @param {string} flag
 * @returns {string} the environment variable that says the same
 */
export const envName = (flag) => `CXOD_${flag.toUpperCase().replaceAll('-', '_')}`

const plain = (/** @type {string} */ text) => text.replaceAll('`', '')

/** What `npm start -- --help` prints. */
export function helpText() {
  const rows = settingsTable.map((row) => {
    const fallback = plain(row.shown || row.fallback)
    return (
      `  --${row.flag} ${row.value}`.padEnd(30) +
      `${plain(row.help)}\n${' '.repeat(30)}default: ${fallback}; ${envName(row.flag)}`
    )
  })
  return [
    'CELLxGENE on demand: a viewer of one’s own for each person and dataset, started when needed.',
    '',
    'Usage: npm start -- [settings]',
    '',
    ...rows,
    '',
    'An argument wins over the environment. First run: npm packages and a Python environment are installed into this',
    'folder and into the state folder; nothing else is touched.',
    '',
  ].join('\n')
}

/** The README's table, in Markdown. */
export function settingsMarkdown() {
  const rows = settingsTable.map((row) => {
    const fallback = row.shown || `\`${row.fallback}\``
    return `| \`--${row.flag} ${row.value}\` | \`${envName(row.flag)}\` | ${fallback} | ${row.help} |`
  })
  return ['| argument | environment | default | what it does |', '|---|---|---|---|', ...rows].join('\n')
}
