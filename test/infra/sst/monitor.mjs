/**
 * Pulumi's own mocks, made to record every resource that an SST program registers and to answer the few questions that
 * SST asks of AWS while it plans.
 */
import crypto from 'node:crypto'
import { createRequire } from 'node:module'
import path from 'node:path'

const account = '123456789012'

/**
 * @param {{ platform: string, project: string, stage: string, region: string }} where `platform`: SST's folder of that name
 */
export async function install({ platform, project, stage, region }) {
  // SST's own copy, which is there only after `sst install`: no types.
  /** @type {(name: string) => any} */
  const load = createRequire(path.join(platform, 'package.json'))
  const pulumi = load('@pulumi/pulumi')
  const { MockMonitor } = load('@pulumi/pulumi/runtime/mocks')
  const { deserializeProperties } = load('@pulumi/pulumi/runtime/rpc')
  /** @type {any[]} */
  const resources = []
  /** @type {Record<string, any>} */
  const outputs = {}

  // SST ends physical names in 8 random letters; the same ones each time let two graphs be compared.
  const { randomBytes } = crypto
  // @ts-expect-error one of several overloads
  crypto.randomBytes = (count, then) => (count === 8 && !then ? Buffer.alloc(8) : randomBytes(count, then))

  const { newUrn, registerResource, registerResourceOutputs } = MockMonitor.prototype
  MockMonitor.prototype.newUrn = function (
    /** @type {string} */ parent,
    /** @type {string} */ type,
    /** @type {string} */ name,
  ) {
    // As the real engine: the stack is in nobody's URN.
    const under = parent?.split('::')[2] === 'pulumi:pulumi:Stack' ? '' : parent
    return newUrn.call(this, under, type, name)
  }
  MockMonitor.prototype.registerResource = function (/** @type {any} */ request, /** @type {any} */ done) {
    return registerResource.call(this, request, (/** @type {any} */ error, /** @type {any} */ answer) => {
      const own = resources.find(
        ({ urn, type, name }) => !urn && type === request.getType() && name === request.getName(),
      )
      if (!error && own)
        Object.assign(own, { urn: answer.getUrn(), parent: request.getParent(), protect: request.getProtect() })
      done(error, answer)
    })
  }
  MockMonitor.prototype.registerResourceOutputs = function (/** @type {any} */ request, /** @type {any} */ done) {
    outputs[request.getUrn()] = request.getOutputs() ? deserializeProperties(request.getOutputs()) : {}
    return registerResourceOutputs.call(this, request, done)
  }

  pulumi.runtime.setMocks(
    {
      newResource(/** @type {any} */ { type, name, custom, inputs, id }) {
        if (type === 'pulumi:pulumi:Stack') return { id: '', state: {} }
        // With an id it is there already (a role that SST looks up), and no part of the plan.
        if (!id) resources.push({ type, name, custom, inputs })
        if (!custom) return { id: '', state: inputs }
        const state = stateOf(type, name, inputs, region)
        return { id: id || idOf(type, name, state), state }
      },
      call: (/** @type {any} */ { token, inputs }) => answer(token, inputs, region),
    },
    project,
    stage,
    false,
    'organization',
  )

  return {
    pulumi,
    graph() {
      for (const resource of resources) {
        resource.inputs = plain(resource.inputs, pulumi)
        if (outputs[resource.urn]) resource.outputs = plain(outputs[resource.urn], pulumi)
      }
      return resources.sort((a, b) => (a.urn < b.urn ? -1 : 1))
    },
  }
}

/** Names in ARNs, for the types whose ARN ends up in a policy. */
/** @type {Record<string, (inputs: any, name: string) => string>} */
const arnTails = {
  'aws:dynamodb/table:Table': ({ name }) => `dynamodb:R:A:table/${name}`,
  'aws:s3/bucket:Bucket': ({ bucket }) => `s3:::${bucket}`,
  'aws:lambda/function:Function': ({ name }) => `lambda:R:A:function:${name}`,
  'aws:iam/role:Role': ({ name }) => `iam::A:role/${name}`,
  'aws:ecs/cluster:Cluster': ({ name }) => `ecs:R:A:cluster/${name}`,
  'aws:ecs/taskDefinition:TaskDefinition': ({ family }) => `ecs:R:A:task-definition/${family}:1`,
  'aws:cloudwatch/logGroup:LogGroup': ({ name }) => `logs:R:A:log-group:${name}`,
  'aws:cloudwatch/eventRule:EventRule': ({ name }) => `events:R:A:rule/${name}`,
  'aws:sns/topic:Topic': ({ name }) => `sns:R:A:${name}`,
  'aws:lb/loadBalancer:LoadBalancer': ({ name }) =>
    `elasticloadbalancing:R:A:loadbalancer/app/${name}/50dc6c495c0c9188`,
  'aws:lb/targetGroup:TargetGroup': ({ name }) => `elasticloadbalancing:R:A:targetgroup/${name}/73e2d6bc24d8a067`,
  'aws:ecr/repository:Repository': ({ name }) => `ecr:R:A:repository/${name}`,
}

function stateOf(
  /** @type {string} */ type,
  /** @type {string} */ name,
  /** @type {any} */ inputs,
  /** @type {string} */ region,
) {
  const state = { ...inputs }
  state.name ??= name
  if (type === 'aws:s3/bucket:Bucket') state.bucket ??= `${inputs.bucketPrefix ?? name}mock`
  const tail = arnTails[type]?.(state, name) ?? `${type.split(':')[1]?.split('/')[0]}:R:A:${name}`
  state.arn ??= `arn:aws:${tail.replace(':R:', `:${region}:`).replace(':A:', `:${account}:`)}`
  const lower = name.toLowerCase()
  if (type === 'aws:lambda/functionUrl:FunctionUrl') state.functionUrl = `https://${lower}.lambda-url.${region}.on.aws/`
  if (type === 'aws:lb/loadBalancer:LoadBalancer')
    Object.assign(state, {
      dnsName: `internal-${lower}.${region}.elb.amazonaws.com`,
      arnSuffix: `app/${lower}/50dc6c495c0c9188`,
    })
  if (type === 'aws:cloudfront/distribution:Distribution') state.domainName = `${lower}.cloudfront.net`
  if (type === 'aws:ecr/repository:Repository')
    state.repositoryUrl = `${account}.dkr.ecr.${region}.amazonaws.com/${state.name}`
  if (type === 'docker-build:index:Image')
    Object.assign(state, {
      ref: `${String(inputs.tags?.[0] ?? name).replace(/:[^:/]*$/, '')}@sha256:${'0'.repeat(64)}`,
    })
  if (type.startsWith('random:'))
    Object.assign(state, {
      result: 'r'.repeat(32),
      hex: '0'.repeat(32),
      base64: Buffer.alloc(32, 1).toString('base64'),
    })
  return state
}

function idOf(/** @type {string} */ type, /** @type {string} */ name, /** @type {any} */ state) {
  const kind = /^aws:ec2\/(vpc|subnet|securityGroup):/.exec(type)?.[1]
  if (kind) return `${kind === 'securityGroup' ? 'sg' : kind}-${name.toLowerCase()}`
  if (type === 'aws:s3/bucket:Bucket') return state.bucket
  if (type === 'aws:ecs/taskDefinition:TaskDefinition') return state.family
  return /^aws:(dynamodb\/table|lambda\/function|iam\/role|cloudwatch\/logGroup):/.test(type) ? state.name : name
}

/** @param {string} token @param {any} inputs @param {string} region */
function answer(token, inputs, region) {
  switch (token) {
    case 'aws:index/getRegion:getRegion':
      return { region, name: region, id: region }
    case 'aws:index/getPartition:getPartition':
      return { partition: 'aws', id: 'aws', dnsSuffix: 'amazonaws.com' }
    case 'aws:index/getCallerIdentity:getCallerIdentity':
      return { accountId: account, arn: `arn:aws:iam::${account}:user/ci`, id: account }
    case 'aws:index/getAvailabilityZones:getAvailabilityZones':
      return { names: ['a', 'b', 'c'].map((zone) => region + zone), id: region }
    case 'aws:ec2/getManagedPrefixList:getManagedPrefixList':
      return { id: `pl-${inputs.name}`, name: inputs.name }
    case 'aws:iam/getPolicyDocument:getPolicyDocument': {
      const json = policyDocument(inputs)
      return { ...inputs, json, minifiedJson: json, id: 'policy' }
    }
    case 'aws:ecr/getAuthorizationToken:getAuthorizationToken':
      return { proxyEndpoint: `https://${account}.dkr.ecr.${region}.amazonaws.com`, userName: 'AWS', password: 'x' }
    case 'command:local:run':
      return { ...inputs, stdout: '', stderr: '' }
    default:
      throw new Error(`The program asked AWS for something that this stand-in does not know: ${token}`)
  }
}

/** As AWS's provider writes a policy document. @param {{ statements?: any[], version?: string }} given */
function policyDocument({ statements = [], version = '2012-10-17' }) {
  /** @template T @param {T[] | T | undefined} value @returns {T[]} */
  const list = (value) => (value === undefined || value === null ? [] : Array.isArray(value) ? value : [value])
  /** @param {any[]} values */
  const one = (values) => (values.length === 1 ? values[0] : values)
  const Statement = statements.map((statement) => {
    const { sid, effect = 'Allow', actions, notActions, resources, notResources, principals, conditions } = statement
    return {
      ...(sid ? { Sid: sid } : {}),
      Effect: effect,
      ...(actions ? { Action: one(list(actions)) } : {}),
      ...(notActions ? { NotAction: one(list(notActions)) } : {}),
      ...(resources ? { Resource: one(list(resources)) } : {}),
      ...(notResources ? { NotResource: one(list(notResources)) } : {}),
      ...(principals?.length ? { Principal: principalOf(principals) } : {}),
      ...(conditions?.length ? { Condition: conditionOf(conditions) } : {}),
    }
  })
  return JSON.stringify({ Version: version, Statement })

  function principalOf(/** @type {any[]} */ all) {
    if (all.some(({ type }) => type === '*')) return '*'
    return Object.fromEntries(all.map(({ type, identifiers }) => [type, one(identifiers)]))
  }
  function conditionOf(/** @type {any[]} */ all) {
    /** @type {Record<string, Record<string, unknown>>} */
    const found = {}
    for (const { test, variable, values } of all) found[test] = { ...found[test], [variable]: one(values) }
    return found
  }
}

/** How Pulumi marks a secret on the wire. */
const mark = '4dabf18193072939515e22adb298388d'

/** @param {any} value @param {any} pulumi @returns {any} */
function plain(value, pulumi) {
  if (Array.isArray(value)) return value.map((one) => plain(one, pulumi))
  if (typeof value !== 'object' || value === null) return value
  if (mark in value) return plain(value.value, pulumi)
  if (pulumi.Resource.isInstance(value)) return '<resource>'
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, plain(one, pulumi)]))
}
