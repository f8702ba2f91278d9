/** What browsers reach, and what nobody reaches but through CloudFront. */
import { deploymentKey, originSecretHeader, parseDeployment } from '../../functions/platform/aws/settings.ts'
import { all, type Inputs, one, type Promised, set, text, unless } from './ask.ts'
import { type Graph, originSecret } from './graph.ts'

type Behavior = {
  pathPattern?: string
  targetOriginId: string
  viewerProtocolPolicy: string
  allowedMethods: string[]
  cachePolicyId: string
  originRequestPolicyId?: string
}
type Origin = {
  originId: string
  domainName: string
  customHeaders?: { name: string; value: string }[]
  customOriginConfig?: { originProtocolPolicy: string; originReadTimeout: number }
  vpcOriginConfig?: { vpcOriginId: string; originReadTimeout: number }
}

const distribution = (graph: Graph, name: 'App' | 'View') => one(graph, 'cloudfront/distribution:', name).inputs
const behaviors = (inputs: Inputs): Behavior[] => [
  ...((inputs.orderedCacheBehaviors ?? []) as Behavior[]),
  inputs.defaultCacheBehavior as Behavior,
]
const origins = (inputs: Inputs) => inputs.origins as Origin[]
const both = (graph: Graph) => (['App', 'View'] as const).map((name) => ({ name, inputs: distribution(graph, name) }))
const at = (inputs: Inputs, path: string): Behavior | undefined =>
  behaviors(inputs).find(({ pathPattern }) =>
    pathPattern === undefined
      ? true
      : new RegExp(
          `^${pathPattern
            .split('*')
            .map((part) => part.replace(/[.]/g, '\\.'))
            .join('.*')}$`,
        ).test(path),
  )

/** CloudFront's managed policies, by what they are called at AWS. */
const policies = {
  cachingDisabled: '4135ea2d-6df8-44a3-9df3-4b5a84be39ad',
  cachingOptimized: '658327ea-f89d-4fab-a63d-7e88639e58f6',
  allViewerExceptHostHeader: 'b689b0a8-53d0-40ab-baf2-68738e2966ac',
}
/** The codes that CloudFront caches by itself (developer guide, “How CloudFront processes HTTP 4xx and 5xx status codes”). */
const cachedErrors = [400, 403, 404, 405, 414, 416, 500, 501, 502, 503, 504]
const document = (graph: Graph) => {
  const item = JSON.parse(String(one(graph, 'dynamodb/tableItem:', 'Deployment').inputs.item)) as {
    pk: { S: string }
    sk: { S: string }
    document: { S: string }
  }
  return { key: { pk: item.pk.S, sk: item.sk.S }, facts: parseDeployment(item.document.S) }
}

export const webPromises: readonly Promised[] = [
  {
    name: 'who calls a function’s own address has no secret: CloudFront alone sends it, the functions know the same, nobody else does',
    problems: (graph) => {
      const urls = all(graph, 'lambda/functionUrl:')
      const parameter = one(graph, 'ssm/parameter:', 'OriginSecrets').inputs
      const toFunctions = both(graph).flatMap(({ inputs }) =>
        origins(inputs).filter(({ domainName }) => domainName.includes('.lambda-url.')),
      )
      // SST's own record of it is part of its encrypted state.
      const holders = graph.resources.filter(
        ({ type, inputs }) => !type.startsWith('sst:') && text(inputs).includes(originSecret),
      )
      return [
        ...unless(
          text(urls.map(({ name }) => name).sort()) === '["ApiUrl","LobbyUrl"]',
          'other functions have addresses',
        ),
        // Whole answers only, and no words for other sites: the app has none.
        ...urls
          .filter(
            ({ inputs }) => inputs.authorizationType !== 'NONE' || inputs.invokeMode !== 'BUFFERED' || inputs.cors,
          )
          .map(({ name }) => `${name} answers otherwise`),
        ...unless(toFunctions.length === 2, 'not both are behind CloudFront'),
        ...toFunctions
          .filter(
            ({ customHeaders = [] }) =>
              text(customHeaders) !== text([{ name: originSecretHeader, value: originSecret }]),
          )
          .map(({ originId }) => `${originId} gets no secret, or more`),
        ...unless(
          parameter.type === 'SecureString' && parameter.value === text([originSecret]),
          'the functions know another',
        ),
        ...holders
          .map(({ name }) => name)
          .filter((name) => !['App', 'View', 'OriginSecrets'].includes(name))
          .map((name) => `${name} knows it too`),
      ]
    },
    broken: (graph) => {
      for (const origin of origins(distribution(graph, 'View'))) delete origin.customHeaders
    },
  },
  {
    name: 'the load balancer is reached through its VPC origin alone',
    problems: (graph) => {
      const inside = one(graph, 'cloudfront/vpcOrigin:', 'InsideOrigin').inputs.vpcOriginEndpointConfig as Inputs
      const gates = origins(distribution(graph, 'View')).filter(({ domainName }) => domainName.includes('.elb.'))
      return [
        ...unless(String(inside.arn).includes('loadbalancer/app/'), 'the VPC origin is something else'),
        ...unless(
          gates.length === 1 && gates[0]?.vpcOriginConfig !== undefined && gates[0].customOriginConfig === undefined,
          'it is asked over the internet',
        ),
      ]
    },
    broken: (graph) => {
      for (const origin of origins(distribution(graph, 'View')))
        if (origin.vpcOriginConfig) {
          delete origin.vpcOriginConfig
          origin.customOriginConfig = { originProtocolPolicy: 'http-only', originReadTimeout: 60 }
        }
    },
  },
  {
    name: 'each path leads where it should: pages and API, lobby, gates',
    problems: (graph) => {
      const leads: [name: 'App' | 'View', path: string, to: string][] = [
        ['App', '/', 'api'],
        ['App', '/api/v1/sessions', 'api'],
        ['App', '/assets/style.abc.css', 'api'],
        ['View', '/v/d1/', 'lobby'],
        ['View', '/v/d1~link/-/status', 'lobby'],
        ['View', '/v/d1/static/main-abc.js', 'lobby'],
        ['View', '/v/static/assets/icon-abc.png', 'lobby'],
        ['View', '/', 'lobby'],
        ['View', '/s/07-abcdefghij/api/v0.2/schema', 'gates'],
      ]
      return leads.flatMap(([name, path, to]) =>
        unless(at(distribution(graph, name), path)?.targetOriginId === to, `${name} ${path} does not lead to ${to}`),
      )
    },
    broken: (graph) => {
      const inputs = distribution(graph, 'View')
      inputs.orderedCacheBehaviors = behaviors(inputs).filter(({ pathPattern }) => pathPattern?.startsWith('/v/'))
    },
  },
  {
    name: 'no answer of a person’s is kept: files whose name carries a hash are, without cookies, and nothing else',
    problems: (graph) =>
      both(graph).flatMap(({ name, inputs }) =>
        behaviors(inputs).flatMap(
          ({ pathPattern = 'default', cachePolicyId, originRequestPolicyId, allowedMethods }) => {
            const file = ['/v/static/*', '/v/*/static/*'].includes(pathPattern)
            const as = file
              ? cachePolicyId === policies.cachingOptimized &&
                originRequestPolicyId === undefined &&
                text(allowedMethods) === '["GET","HEAD"]'
              : cachePolicyId === policies.cachingDisabled &&
                originRequestPolicyId === policies.allViewerExceptHostHeader &&
                allowedMethods.length === 7
            return unless(as, `${name} ${pathPattern} is kept or passed otherwise`)
          },
        ),
      ),
    broken: (graph) =>
      set(behaviors(distribution(graph, 'View'))[0] as Behavior, { cachePolicyId: policies.cachingOptimized }),
  },
  {
    name: 'no error is kept, whatever its code',
    problems: (graph) =>
      both(graph).flatMap(({ name, inputs }) => {
        const kept = inputs.customErrorResponses as {
          errorCode: number
          errorCachingMinTtl: number
          responseCode?: number
        }[]
        return cachedErrors
          .filter(
            (code) =>
              !kept.some(
                (one) => one.errorCode === code && one.errorCachingMinTtl === 0 && one.responseCode === undefined,
              ),
          )
          .map((code) => `${name} keeps ${code}`)
      }),
    broken: (graph) =>
      set((distribution(graph, 'App').customErrorResponses as object[])[9] as object, { errorCachingMinTtl: 10 }),
  },
  {
    name: 'browsers speak TLS, functions are asked over TLS, and every origin has a minute to answer',
    problems: (graph) =>
      both(graph).flatMap(({ name, inputs }) => [
        ...behaviors(inputs)
          .filter(({ viewerProtocolPolicy }) => viewerProtocolPolicy !== 'redirect-to-https')
          .map(({ pathPattern }) => `${name} ${pathPattern} may be in clear`),
        ...origins(inputs).flatMap(({ originId, customOriginConfig, vpcOriginConfig }) => [
          ...unless(
            customOriginConfig === undefined || customOriginConfig.originProtocolPolicy === 'https-only',
            `${originId} in clear`,
          ),
          ...unless(
            (customOriginConfig ?? vpcOriginConfig)?.originReadTimeout === 60,
            `${originId} has less than a minute`,
          ),
        ]),
      ]),
    broken: (graph) => set(behaviors(distribution(graph, 'App'))[0] as Behavior, { viewerProtocolPolicy: 'allow-all' }),
  },
  {
    name: 'the functions are told where they are, by an item that their own reader takes',
    problems: (graph) => {
      const { key, facts } = document(graph)
      const { inputs: item } = one(graph, 'dynamodb/tableItem:', 'Deployment')
      const table = one(graph, 'dynamodb/table:', 'Table').inputs
      const groups = all(graph, 'lb/targetGroup:').map(({ inputs }) => String(inputs.name))
      return [
        ...unless(text(key) === text(deploymentKey), 'another key'),
        ...unless(item.tableName === table.name && item.hashKey === 'pk' && item.rangeKey === 'sk', 'another table'),
        ...unless(facts.appOrigin === 'https://app.cloudfront.net', `the app is at ${facts.appOrigin}`),
        ...unless(facts.viewOrigin === 'https://view.cloudfront.net', `viewers are at ${facts.viewOrigin}`),
        ...unless(
          text(facts.slots.map(({ targetGroupArn }) => targetGroupArn.split('/')[1]).sort()) === text(groups.sort()),
          'other slots than there are',
        ),
        ...facts.slots
          .filter(({ slot, targetGroupArn }) => !targetGroupArn.includes(`-${slot}/`))
          .map(({ slot }) => `slot ${slot} has another’s targets`),
      ]
    },
    broken: (graph) => {
      const { inputs } = one(graph, 'dynamodb/tableItem:', 'Deployment')
      inputs.item = String(inputs.item).replace('https://view.', 'https://app.')
    },
  },
]
