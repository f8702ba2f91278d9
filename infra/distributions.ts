/**
 * What browsers reach: one distribution for the app origin, one for the view origin. The functions behind them hear
 * CloudFront alone (a secret header); the load balancer is internal and reached through a VPC origin.
 */
import { originSecretHeader } from '../functions/platform/aws/settings.ts'
import { type Domain, domains } from './domains.ts'
import type { Functions } from './functions.ts'
import type { Routes } from './routes.ts'
import type { Secrets } from './secrets.ts'
import { named } from './stage.ts'

export type Distributions = ReturnType<typeof distributions>
type Args = aws.cloudfront.DistributionArgs
type Behavior = aws.types.input.cloudfront.DistributionOrderedCacheBehavior
type Origin = aws.types.input.cloudfront.DistributionOrigin

/** AWS's managed policies, by their fixed ids (CloudFront developer guide, “Use managed cache policies”, “… origin request policies”). */
const uncached = '4135ea2d-6df8-44a3-9df3-4b5a84be39ad'
/** By what the origin's `Cache-Control` says, a year at most; no cookie and no query string reaches the origin. */
const cached = '658327ea-f89d-4fab-a63d-7e88639e58f6'
/**
 * All that a browser sent but its `Host` (a function URL answers to its own alone), and CloudFront's own headers, of which
 * `CloudFront-Viewer-Address` says who is there, whatever a client claims.
 */
const everything = 'b689b0a8-53d0-40ab-baf2-68738e2966ac'

const reading = ['GET', 'HEAD']
const methods = ['GET', 'HEAD', 'OPTIONS', 'PUT', 'POST', 'PATCH', 'DELETE']
/** Seconds; the most without asking AWS. Longer answers come as 202 and a place to ask. */
const patience = { originReadTimeout: 60, originKeepaliveTimeout: 60 }
/** Every code that CloudFront would keep for ten seconds, whatever `Retry-After` says. */
const errorCodes = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504]

export function distributions({ api, lobby }: Functions, { balancer }: Routes, { originSecret }: Secrets) {
  const own = domains()
  const fromFunction = (originId: string, url: $util.Output<string>): Origin => ({
    originId,
    domainName: url.apply((address) => new URL(address).host),
    customHeaders: [{ name: originSecretHeader, value: originSecret }],
    customOriginConfig: {
      httpPort: 80,
      httpsPort: 443,
      originProtocolPolicy: 'https-only',
      originSslProtocols: ['TLSv1.2'],
      ...patience,
    },
  })
  const inside = new aws.cloudfront.VpcOrigin('InsideOrigin', {
    vpcOriginEndpointConfig: {
      name: named('gates'),
      arn: balancer.arn,
      httpPort: 80,
      httpsPort: 443,
      // Inside our network, over AWS's own: no certificate can be had for the name of a load balancer.
      originProtocolPolicy: 'http-only',
      originSslProtocols: { items: ['TLSv1.2'], quantity: 1 },
    },
  })
  const app = distribution('App', 'its pages and API', own.app, [fromFunction('api', api.fn.url)], {
    // Not kept: the hash of a file of the pages is in its query. Browsers keep them for a year, and they are few and small.
    defaultCacheBehavior: passed('api'),
  })
  const gates: Origin = {
    originId: 'gates',
    domainName: balancer.dnsName,
    vpcOriginConfig: { vpcOriginId: inside.id, ...patience },
  }
  const view = distribution('View', 'viewers', own.view, [fromFunction('lobby', lobby.fn.url), gates], {
    defaultCacheBehavior: passed('lobby'),
    orderedCacheBehaviors: [
      { pathPattern: '/s/*', ...passed('gates') },
      // cellxgene asks for its logo one level up.
      keptAt('/v/static/*', 'lobby'),
      keptAt('/v/*/static/*', 'lobby'),
      { pathPattern: '/v/*', ...passed('lobby') },
    ],
  })
  return { app, view }
}

function distribution(
  name: string,
  what: string,
  own: Domain,
  origins: Origin[],
  behaviors: Pick<Args, 'defaultCacheBehavior' | 'orderedCacheBehaviors'>,
) {
  const made = new aws.cloudfront.Distribution(name, {
    enabled: true,
    comment: `${$app.name} ${$app.stage}: ${what}`,
    httpVersion: 'http2and3',
    isIpv6Enabled: true,
    origins,
    ...behaviors,
    customErrorResponses: errorCodes.map((errorCode) => ({ errorCode, errorCachingMinTtl: 0 })),
    restrictions: { geoRestriction: { restrictionType: 'none' } },
    aliases: own === null ? [] : [own.host],
    // With CloudFront's own name its certificate comes, and with that its rule for TLS, which can't be chosen.
    viewerCertificate:
      own === null
        ? { cloudfrontDefaultCertificate: true }
        : { acmCertificateArn: own.certificate, sslSupportMethod: 'sni-only', minimumProtocolVersion: 'TLSv1.2_2021' },
    // Access logs would keep query strings.
  })
  return { made, origin: own === null ? $interpolate`https://${made.domainName}` : $util.output(`https://${own.host}`) }
}

const passed = (targetOriginId: string) => ({
  targetOriginId,
  viewerProtocolPolicy: 'redirect-to-https',
  allowedMethods: methods,
  cachedMethods: reading,
  cachePolicyId: uncached,
  originRequestPolicyId: everything,
  // The program compresses what is worth it.
  compress: false,
})

const keptAt = (pathPattern: string, targetOriginId: string): Behavior => ({
  pathPattern,
  targetOriginId,
  viewerProtocolPolicy: 'redirect-to-https',
  allowedMethods: reading,
  cachedMethods: reading,
  cachePolicyId: cached,
  compress: true,
})
