/// <reference path="./.sst/platform/config.d.ts" />
/** What `sst deploy` makes: everything is in infra/, one file per concern. */
export default $config({
  app: (input) => ({
    name: 'cellxgene-on-demand',
    home: 'aws',
    // Data and annotations outlive a mistake; every other stage leaves nothing behind.
    removal: input.stage === 'production' ? 'retain' : 'remove',
    protect: input.stage === 'production',
    providers: { aws: { region: (process.env.AWS_REGION ?? 'us-east-1') as 'us-east-1' } },
  }),
  async run() {
    const { deployment } = await import('./infra/deployment.ts')
    return deployment()
  },
})
