/** What a task is given, and what it is not. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { taskShape } from '../../functions/platform/aws/settings.ts'
import { projectRoot } from '../../functions/setup/python.ts'
import { all, edit, one, type Promised, set, text, unless } from './ask.ts'
import type { Graph } from './graph.ts'

type Container = {
  name: string
  image: string
  essential: boolean
  user: string
  readonlyRootFilesystem: boolean
  stopTimeout: number
  memory: number
  dependsOn?: { containerName: string; condition: string }[]
  portMappings?: { containerPort: number }[]
  mountPoints: { sourceVolume: string; containerPath: string }[]
  linuxParameters: { capabilities: { drop: string[]; add?: string[] } }
  logConfiguration: { logDriver: string; options: Record<string, string> }
  environment: { name: string; value: string }[]
}

const definition = (graph: Graph) => one(graph, 'ecs/taskDefinition:', 'Task').inputs
const containers = (graph: Graph) => JSON.parse(String(definition(graph).containerDefinitions)) as Container[]
const change = (graph: Graph, how: (gate: Container, viewer: Container) => void): void =>
  edit<[Container, Container]>(definition(graph), 'containerDefinitions', ([gate, viewer]) => how(gate, viewer))
const dockerfile = (name: string) => readFileSync(path.join(projectRoot(), 'functions', name, 'Dockerfile'), 'utf8')

export const taskPromises: readonly Promised[] = [
  {
    name: 'a task has no AWS rights at all, and nobody can open a shell in it',
    problems: (graph) => unless(definition(graph).taskRoleArn === undefined, 'it has a role'),
    broken: (graph) => set(definition(graph), { taskRoleArn: 'arn:aws:iam::123456789012:role/any' }),
  },
  {
    name: 'gate and viewer: both essential, the viewer first and last, two minutes to stop',
    problems: (graph) => {
      const found = containers(graph)
      const [gate, viewer] = found
      return [
        ...unless(
          text(found.map(({ name }) => name)) === text(Object.values(taskShape.containers)),
          'other containers than the program names',
        ),
        ...found.flatMap(({ name, essential, stopTimeout }) => [
          ...unless(essential, `${name} may be missing`),
          ...unless(stopTimeout === 120, `${name} has no two minutes`),
        ]),
        ...unless(
          text(gate?.dependsOn) === '[{"containerName":"viewer","condition":"START"}]',
          'the gate is not second',
        ),
        ...unless(viewer?.dependsOn === undefined, 'the viewer waits'),
      ]
    },
    broken: (graph) => change(graph, (gate) => void delete gate.dependsOn),
  },
  {
    name: 'containers are nobody in particular, write to their volumes alone, and hold no capability',
    problems: (graph) =>
      containers(graph).flatMap(({ name, user, readonlyRootFilesystem, mountPoints, linuxParameters }) => [
        ...unless(user === '10001:10001', `${name} runs as ${user}`),
        ...unless(readonlyRootFilesystem, `${name} may write to its root`),
        ...unless(text(linuxParameters.capabilities) === '{"drop":["ALL"]}', `${name} keeps capabilities`),
        ...unless(
          text(mountPoints.map(({ containerPath }) => containerPath)) === text([taskShape.taskDir, '/tmp']),
          `${name} has other volumes`,
        ),
      ]),
    broken: (graph) => change(graph, (_, viewer) => set(viewer, { readonlyRootFilesystem: false })),
  },
  {
    name: 'the two share one volume and nothing else',
    problems: (graph) => {
      const [gate, viewer] = containers(graph).map(({ mountPoints }) => mountPoints.map((mount) => mount.sourceVolume))
      const declared = (definition(graph).volumes as { name: string }[]).map(({ name }) => name)
      return [
        ...unless(
          text(gate?.filter((name) => viewer?.includes(name))) === '["task"]',
          'they share more or less than a volume',
        ),
        ...[...(gate ?? []), ...(viewer ?? [])]
          .filter((name) => !declared.includes(name))
          .map((name) => `${name} is not declared`),
      ]
    },
    broken: (graph) =>
      change(graph, (gate, viewer) => {
        for (const mount of gate.mountPoints) if (mount.containerPath === '/tmp') mount.sourceVolume = 'viewer-tmp'
        void viewer
      }),
  },
  {
    name: 'each volume belongs to the images’ user: both Dockerfiles name its path, or Fargate would give it to root',
    problems: (graph) =>
      containers(graph).flatMap(({ name, user, mountPoints }) => [
        ...unless(dockerfile(name).includes(`USER ${user}`), `the image of ${name} is for another user`),
        ...mountPoints
          .filter(
            ({ containerPath }) =>
              !dockerfile(name)
                .match(/^VOLUME .*$/m)?.[0]
                .includes(`"${containerPath}"`),
          )
          .map(({ containerPath }) => `the image of ${name} does not name ${containerPath}`),
      ]),
    broken: (graph) =>
      change(graph, (gate) => void gate.mountPoints.push({ sourceVolume: 'task', containerPath: '/elsewhere' })),
  },
  {
    name: 'only the gate is reached, on the port that the load balancer knows, and memory fits',
    problems: (graph) => {
      const [gate, viewer] = containers(graph)
      const { cpu, memory } = definition(graph)
      return [
        ...unless(text(gate?.portMappings?.map((map) => map.containerPort)) === '[8080]', 'the gate is elsewhere'),
        ...unless(viewer?.portMappings === undefined, 'the viewer has a port'),
        ...all(graph, 'lb/targetGroup:')
          .filter(({ inputs }) => inputs.port !== taskShape.gatePort)
          .map(({ name }) => `${name} asks another port`),
        ...unless(gate?.memory === taskShape.gateMemoryMiB, 'the program reckons with another gate'),
        ...unless((gate?.memory ?? 0) + (viewer?.memory ?? 0) === Number(memory), 'memory does not add up'),
        ...unless(cpu === '256' && memory === '1024', 'it is not the smallest task'),
      ]
    },
    broken: (graph) => change(graph, (gate) => set(gate, { memory: 128 })),
  },
  {
    name: 'tasks run on ARM in their own network, from images of this deploy by digest, built for ARM',
    problems: (graph) => {
      const { runtimePlatform, networkMode, requiresCompatibilities } = definition(graph)
      const built = graph.resources.filter(({ type }) => type === 'docker-build:index:Image')
      return [
        ...unless(text(runtimePlatform).includes('ARM64'), 'another processor'),
        ...unless(networkMode === 'awsvpc' && text(requiresCompatibilities) === '["FARGATE"]', 'not on Fargate'),
        ...containers(graph)
          .filter(({ name, image }) => !new RegExp(`-${name}@sha256:[0-9a-f]{64}$`).test(image))
          .map(({ name, image }) => `${name} is ${image}`),
        ...unless(built.length === 2, 'not two images'),
        ...built
          .filter(({ inputs }) => text(inputs.platforms) !== '["linux/arm64"]' || inputs.buildOnPreview !== false)
          .map(({ name }) => `${name} is built otherwise`),
        ...built
          .filter(({ inputs }) => !/"compression":"zstd".*"push":true/.test(text(inputs.exports)))
          .map(({ name }) => `${name} is not pushed as zstd`),
      ]
    },
    broken: (graph) => change(graph, (gate) => set(gate, { image: gate.image.replace(/@.*/, ':latest') })),
  },
  {
    name: 'Spot and on demand can both be asked for',
    problems: (graph) => {
      const { inputs } = one(graph, 'ecs/clusterCapacityProviders:', 'Capacity')
      return unless(text(inputs.capacityProviders) === '["FARGATE","FARGATE_SPOT"]', 'one is missing')
    },
    broken: (graph) =>
      set(one(graph, 'ecs/clusterCapacityProviders:', 'Capacity').inputs, { capacityProviders: ['FARGATE'] }),
  },
  {
    name: 'a task’s lines go to a log of their own, without ever holding it up',
    problems: (graph) => {
      const group = one(graph, 'cloudwatch/logGroup:', 'TaskLogs').inputs.name
      return containers(graph).flatMap(({ name, logConfiguration: { logDriver, options } }) => [
        ...unless(logDriver === 'awslogs' && options['awslogs-group'] === group, `${name} logs elsewhere`),
        ...unless(options.mode === 'non-blocking', `${name} waits for its log`),
      ])
    },
    broken: (graph) => change(graph, (_, viewer) => set(viewer.logConfiguration.options, { mode: 'blocking' })),
  },
]
