/**
 * Where viewers run: a cluster and one task definition, sized per session by overrides. Plain resources and not SST's Task:
 * that one gives the task a role (with a shell into it), lets its execution role read every parameter and secret of the
 * account, and knows no order of containers. Ours has no role at all: a viewer parses files that anybody may have made, and
 * all containers of a task share its credentials.
 */
import { taskShape } from '../functions/platform/aws/settings.ts'
import type { Images } from './images.ts'
import { documentOf, inAccount, takenBy, writeLogs } from './rights.ts'
import { logDays, named } from './stage.ts'

export type Tasks = ReturnType<typeof tasks>

const { containers, gateMemoryMiB, gatePort, taskDir } = taskShape
/** As in both Dockerfiles: owner of /task, so that each finds the other's sockets. */
const user = '10001:10001'
/** Seconds; the most there is on Fargate. Saves of a viewer that Spot takes back end within it. */
const stopTimeout = 120
/** Every session brings its own size; this is the smallest that there is, for a task started by hand. */
const smallest = { cpu: 256, memory: 1024 }

export function tasks(images: Images) {
  const cluster = new aws.ecs.Cluster('Cluster', {
    name: named('viewers'),
    // Costs per task and metric; what is needed comes from the launcher's own lines.
    settings: [{ name: 'containerInsights', value: 'disabled' }],
  })
  new aws.ecs.ClusterCapacityProviders('Capacity', {
    clusterName: cluster.name,
    capacityProviders: ['FARGATE', 'FARGATE_SPOT'],
  })
  const logs = new aws.cloudwatch.LogGroup('TaskLogs', {
    name: `/${$app.name}/${$app.stage}/tasks`,
    retentionInDays: logDays,
  })
  const executionRole = new aws.iam.Role('TaskExecution', {
    name: named('task-execution'),
    assumeRolePolicy: takenBy('ecs-tasks.amazonaws.com', inAccount('ecs', '*')),
  })
  new aws.iam.RolePolicy('TaskExecutionRights', {
    role: executionRole.name,
    policy: documentOf([
      {
        sid: 'PullImages',
        actions: ['ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer', 'ecr:BatchCheckLayerAvailability'],
        resources: [images.gate.repository.arn, images.viewer.repository.arn],
      },
      // AWS knows no narrower resource for this one.
      { sid: 'SignInToRegistry', actions: ['ecr:GetAuthorizationToken'], resources: ['*'] },
      writeLogs(logs),
    ]),
  })
  const family = named('viewer')
  const definition = new aws.ecs.TaskDefinition('Task', {
    family,
    cpu: String(smallest.cpu),
    memory: String(smallest.memory),
    networkMode: 'awsvpc',
    requiresCompatibilities: ['FARGATE'],
    runtimePlatform: { cpuArchitecture: 'ARM64', operatingSystemFamily: 'LINUX' },
    executionRoleArn: executionRole.arn,
    volumes: [{ name: 'task' }, { name: 'gate-tmp' }, { name: 'viewer-tmp' }],
    containerDefinitions: $jsonStringify([
      {
        ...container(containers.gate, images.gate.ref, logs),
        memory: gateMemoryMiB,
        portMappings: [{ containerPort: gatePort, protocol: 'tcp' }],
        // So the viewer is the last to stop: what it still has to save goes through the gate.
        dependsOn: [{ containerName: containers.viewer, condition: 'START' }],
      },
      {
        ...container(containers.viewer, images.viewer.ref, logs),
        memory: smallest.memory - gateMemoryMiB,
      },
    ]),
  })
  return { cluster, definition, family, executionRole, logs }
}

/**
 * An empty volume belongs to root unless the image names its path as a VOLUME: then it gets the owner that the path has in
 * the image. Both Dockerfiles do so for /task and /tmp.
 */
function container(name: string, image: $util.Input<string>, logs: aws.cloudwatch.LogGroup) {
  return {
    name,
    image,
    essential: true,
    stopTimeout,
    user,
    readonlyRootFilesystem: true,
    linuxParameters: { initProcessEnabled: true, capabilities: { drop: ['ALL'] } },
    mountPoints: [
      { sourceVolume: 'task', containerPath: taskDir, readOnly: false },
      { sourceVolume: `${name}-tmp`, containerPath: '/tmp', readOnly: false },
    ],
    // Matplotlib, numba and others write into a home or beside their sources, both read-only here.
    environment: [
      { name: 'HOME', value: '/tmp' },
      { name: 'NUMBA_CACHE_DIR', value: '/tmp/numba' },
    ],
    logConfiguration: {
      logDriver: 'awslogs',
      options: {
        'awslogs-group': logs.name,
        'awslogs-region': aws.getRegionOutput().region,
        'awslogs-stream-prefix': name,
        // A log that can't be written must not stop a viewer that works.
        mode: 'non-blocking',
        'max-buffer-size': '4m',
      },
    },
  }
}
