/** Every setting of a deploy, read from the environment of `npm run deploy`; the guide's table is made from it. */
export const deploySettings = {
  CXOD_SLOTS: {
    default: '20',
    what: 'viewers at once, at most 100; each is a target group and a rule, which cost nothing',
  },
  CXOD_IDLE_MINUTES: { default: '30', what: 'minutes without use until a viewer sleeps' },
  CXOD_LIFETIME_HOURS: { default: '12', what: 'longest life of a viewer, at most 72' },
  CXOD_LIVE_SESSIONS: { default: 'as many as slots', what: 'viewers at once, if fewer than slots' },
  CXOD_LIVE_SESSIONS_PER_USER: { default: '3', what: 'viewers of one person at once' },
  CXOD_LIVE_SESSIONS_PER_LINK: { default: '5', what: 'viewers of all guests of one launch link at once' },
  CXOD_DIFFEXP_CELLS: { default: '2000000', what: 'most cells of both groups together in one differential expression' },
  CXOD_ON_DEMAND: {
    default: 'none',
    what: 'folders, with commas between, whose viewers never run on Spot; `*`: all of them',
  },
  CXOD_ISSUERS: {
    default: 'none',
    what: 'a file of identity providers whose tokens are accepted, in the form of `--issuers` on one machine',
  },
  CXOD_APP_DOMAIN: { default: 'CloudFront’s own', what: 'host name of the pages and the API' },
  CXOD_APP_CERTIFICATE: { default: '–', what: 'ARN of its ACM certificate, in us-east-1' },
  CXOD_VIEW_DOMAIN: {
    default: 'CloudFront’s own',
    what: 'host name of viewers: another than the first, as browsers share cookies within one. Point a CNAME of each at its distribution',
  },
  CXOD_VIEW_CERTIFICATE: { default: '–', what: 'ARN of its ACM certificate, in us-east-1' },
  CXOD_ALARM_EMAIL: { default: 'nobody', what: 'who is told of alarms; AWS asks them to confirm' },
  CXOD_GIVE_UP: {
    default: '–',
    what: '`production`: takes the protection off that stage, so that it can be removed with its data',
  },
  CXOD_SOURCE: { default: 'none', what: 'address of the sources, written into the images' },
  CXOD_LAMBDAS: { default: '`dist/aws`', what: 'folder of the built Lambdas' },
} as const satisfies Record<string, { default: string; what: string }>

export type Setting = keyof typeof deploySettings

export function deploySettingsMarkdown(): string {
  const rows = Object.entries(deploySettings).map(([name, one]) => `| \`${name}\` | ${one.default} | ${one.what} |`)
  return ['| variable | default | what |', '|---|---|---|', ...rows].join('\n')
}
