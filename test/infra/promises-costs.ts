/** What it costs to have it and not to use it. */
import { freeEndpoint, freeTypes, idleCosts } from '../../infra/idle-costs.ts'
import { all, type Promised, unless } from './ask.ts'

const known = new Set([...freeTypes, ...idleCosts.flatMap(({ types }) => types)])
const endpoint = 'aws:ec2/vpcEndpoint:VpcEndpoint'

export const costPromises: readonly Promised[] = [
  {
    name: 'nothing costs while nothing runs but what the list of idle costs names',
    problems: ({ resources }) =>
      resources
        .filter(({ type, inputs }) => (type === endpoint ? !freeEndpoint(inputs) : !known.has(type)))
        .filter(({ type }) => !type.startsWith('sst:'))
        .map(({ type, name }) => `${name} (${type})`),
    broken: ({ resources }) =>
      void resources.push({
        urn: 'x',
        type: 'aws:ec2/natGateway:NatGateway',
        name: 'Nat',
        inputs: {},
        parent: '',
        protect: false,
      }),
  },
  {
    name: 'the list of idle costs names nothing that is not there',
    problems: ({ resources }) =>
      [...known]
        .filter((type) => !resources.some((resource) => resource.type === type))
        // Only with an address for it.
        .filter((type) => type !== 'aws:sns/topicSubscription:TopicSubscription')
        .map((type) => `${type} is not in the plan`),
    broken: (graph) => {
      graph.resources = graph.resources.filter(({ type }) => !type.startsWith('aws:lb/loadBalancer'))
    },
  },
  {
    name: 'one load balancer, no address of one’s own, no function kept warm, no insights',
    problems: (graph) => [
      ...unless(all(graph, 'lb/loadBalancer:').length === 1, 'there are several load balancers'),
      ...unless(all(graph, 'ec2/eip:').length === 0, 'an address is kept'),
      ...unless(all(graph, 'lambda/provisionedConcurrencyConfig:').length === 0, 'a function is kept warm'),
      ...all(graph, 'ecs/cluster:')
        .filter(({ inputs }) => !JSON.stringify(inputs.settings).includes('"value":"disabled"'))
        .map(({ name }) => `${name} has insights`),
    ],
    broken: (graph) => {
      for (const { inputs } of all(graph, 'ecs/cluster:'))
        inputs.settings = [{ name: 'containerInsights', value: 'enabled' }]
    },
  },
  {
    name: 'alarms and metrics stay within what is free in every account, and every log forgets',
    problems: (graph) => {
      const names = all(graph, 'cloudwatch/logMetricFilter:').map(
        ({ inputs }) => (inputs.metricTransformation as { name: string }).name,
      )
      return [
        ...unless(all(graph, 'cloudwatch/metricAlarm:').length <= 10, 'more than ten alarms'),
        ...unless(new Set(names).size <= 10, 'more than ten metrics'),
        ...all(graph, 'cloudwatch/logGroup:')
          .filter(({ inputs }) => !(Number(inputs.retentionInDays) > 0))
          .map(({ name }) => `${name} is kept for ever`),
      ]
    },
    broken: (graph) => void delete all(graph, 'cloudwatch/logGroup:')[0]?.inputs.retentionInDays,
  },
]
