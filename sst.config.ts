/// <reference path="./.sst/platform/config.d.ts" />
/** What `sst deploy` makes: everything is in infra/, one file per concern. */
export default $config({
  app: (input) => ({
    name: 'cellxgene-on-demand',
    home: 'aws',
    // Data and annotations outlive a mistake; every other stage leaves nothing behind, and production when its name is said
    // once more: CXOD_GIVE_UP=production.
    removal: input.stage === 'production' && process.env.CXOD_GIVE_UP !== input.stage ? 'retain' : 'remove',
    protect: input.stage === 'production' && process.env.CXOD_GIVE_UP !== input.stage,
    providers: { aws: { region: (process.env.AWS_REGION ?? 'us-east-1') as 'us-east-1' } },
  }),
  async run() {
    const { deployment } = await import('./infra/deployment.ts')
    return deployment()
  },
})
