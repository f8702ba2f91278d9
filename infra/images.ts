/**
 * The two images of a task, built by Docker at deploy and kept in repositories of this stage's own (SST's shared one would
 * outlive the stage). `context` is the project's folder, so `.dockerignore` decides what Docker sees.
 */
import { isKept, named, text } from './stage.ts'

type Docker = typeof import('@pulumi/docker-build')
export type Images = Awaited<ReturnType<typeof images>>

export async function images() {
  // Not at the top: SST reads the settings of this program before it has installed what the program needs.
  const docker = await import('@pulumi/docker-build')
  return { gate: image(docker, 'Gate', 'gate'), viewer: image(docker, 'Viewer', 'viewer') }
}

function image(docker: Docker, name: string, folder: string) {
  const repository = new aws.ecr.Repository(`${name}Images`, {
    name: named(folder),
    forceDelete: !isKept,
    imageScanningConfiguration: { scanOnPush: true },
  })
  new aws.ecr.LifecyclePolicy(`${name}ImagesKept`, {
    repository: repository.name,
    // A task definition names its image by digest: those of the last deploys are needed to go back, older ones only cost.
    policy: JSON.stringify({
      rules: [
        {
          rulePriority: 1,
          description: 'the last ten',
          selection: { tagStatus: 'any', countType: 'imageCountMoreThan', countNumber: 10 },
          action: { type: 'expire' },
        },
      ],
    }),
  })
  const registry = aws.ecr.getAuthorizationTokenOutput({ registryId: repository.registryId })
  const tag = $interpolate`${repository.repositoryUrl}:latest`
  const built = new docker.Image(`${name}Image`, {
    context: { location: $cli.paths.root },
    dockerfile: { location: `${$cli.paths.root}/functions/${folder}/Dockerfile` },
    platforms: [docker.Platform.Linux_arm64],
    buildArgs: { SOURCE: text('CXOD_SOURCE') ?? '' },
    // A plan needs no Docker.
    buildOnPreview: false,
    tags: [tag],
    push: false,
    exports: [
      {
        image: {
          names: [tag],
          push: true,
          ociMediaTypes: true,
          // A quarter less to pull and unpack than gzip, at every start (AWS's own figure for Fargate).
          compression: docker.CompressionType.Zstd,
          compressionLevel: 15,
          forceCompression: true,
        },
      },
    ],
    registries: [
      {
        address: registry.proxyEndpoint,
        username: registry.userName,
        password: $util.secret(registry.password),
      },
    ],
  })
  return { repository, ref: built.ref }
}
