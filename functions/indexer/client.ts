/** Runs the indexer's process for one file at a time asked, and turns whatever becomes of it into a verdict. */
import { spawn } from 'node:child_process'
import { existsSync, realpathSync } from 'node:fs'
import { access, constants } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { Duplex, type Readable } from 'node:stream'
import { z } from 'zod'
import type { DatasetIndex, DatasetProblem } from '../core/dataset.ts'
import { LauncherError } from '../core/errors.ts'
import type { DatasetCells } from '../core/ports.ts'
import { ProblemFound } from './problems.ts'
import { remoteChannel, remotePath } from './remote-file.ts'
import { type FileSource, serveFile } from './serve-file.ts'
import { readSuperblock, type Superblock } from './superblock.ts'

export type IndexResult = { index: DatasetIndex; title: string | null } | { problem: DatasetProblem }

/** Files are paths, or are read in pieces from elsewhere; of those, what `read` rejects with is thrown on. */
export type Indexer = {
  /** What is wrong with the file is a problem, not an error. Throws `unavailable` when the reader itself fails. */
  indexFile(file: string | FileSource, signal?: AbortSignal): Promise<IndexResult>
  /** Names of the cells, columns and genes of a file that has been indexed. Throws `unavailable`. */
  readCells(file: string | FileSource, signal?: AbortSignal): Promise<DatasetCells>
  /** SHA-256 (hex) of the bytes. Throws `unavailable` when the file can't be read to its end. */
  hashFile(path: string, signal?: AbortSignal): Promise<string>
  /** Is all of the file there, by its own first bytes? Throws what `fs` throws. */
  superblock(path: string): Promise<Superblock>
}

export type IndexerOptions = {
  /** The bundled worker, a file that node can run. */
  program: string
  /** Data of one process at most, MiB; h5wasm alone may take 2,048. */
  memoryMiB?: number
  /** Longest time for one index, ms. */
  indexMs?: number
  /** Longest silence while hashing, ms; it speaks every 64 MB. */
  quietMs?: number
}

const indexSchema = z.object({
  cells: z.number(),
  genes: z.number(),
  storedValues: z.number(),
  dtype: z.string(),
  layout: z.enum(['dense', 'csr', 'csc']),
  embeddings: z.array(z.string()),
  obsIndexHash: z.string(),
  distribution: z.enum(['normal', 'count']).nullable(),
  memoryMiB: z.number(),
})
const resultSchema = z.union([
  z.object({ index: indexSchema, title: z.string().nullable() }),
  z.object({ problem: z.object({ code: z.string(), cause: z.string(), remedy: z.string() }) }),
])
const cellsSchema = z.object({ cells: z.number(), columns: z.array(z.string()), genes: z.array(z.string()) })
const someNames = z.array(z.string())
const hashSchema = z.object({ sha256: z.string() })

type Outcome =
  | { kind: 'done'; result: unknown }
  | { kind: 'slow' | 'aborted' }
  | { kind: 'died' | 'broken'; how: string }
  /** Bytes of a file that lies elsewhere could not be had. */
  | { kind: 'lost'; error: unknown }

/**
 * Each file is parsed in a process of its own, so that the launcher's event loop stays free and a file made to harm can
 * end that process only: it may read nothing but the file and its own code (node's permission model, so links inside the
 * file lead nowhere), its memory is bounded by RLIMIT_DATA where there is a shell, and its time by `indexMs`.
 */
export function createIndexer(options: IndexerOptions): Indexer {
  const { program, memoryMiB = 1536, indexMs = 5 * 60_000, quietMs = 60_000 } = options
  const h5wasm = packageFolder(program, 'h5wasm')
  const pluginPackage = packageFolder(program, 'h5wasm-plugins')
  const plugins = join(pluginPackage, 'plugins')

  function run(
    what: 'hash' | 'index' | 'cells',
    file: string | FileSource,
    limitMs: number,
    signal?: AbortSignal,
    hear: (names: unknown) => void = () => {},
  ): Promise<Outcome> {
    const remote = typeof file === 'string' ? null : file
    const path = typeof file === 'string' ? file : remotePath
    const readable = [realpathSync(program), h5wasm, pluginPackage, ...(remote ? [] : [path])]
    const node = [
      process.execPath,
      '--max-old-space-size=512',
      ...permissionFlags(readable),
      '--disable-warning=ExperimentalWarning',
      program,
      what,
      path,
      plugins,
      ...(remote ? [String(remote.sizeBytes)] : []),
    ]
    // `ulimit -d` is RLIMIT_DATA; unlike an address-space limit it leaves room for what V8 only reserves.
    const [command = '', ...args] =
      process.platform === 'win32'
        ? node
        : ['/bin/sh', '-c', `ulimit -d ${memoryMiB * 1024} && exec "$0" "$@"`, ...node]
    return new Promise((resolve) => {
      const child = spawn(command, args, {
        // The fourth, where there is one, is the socket that a remote file comes through; it blocks in the child.
        stdio: ['ignore', 'pipe', 'pipe', ...(remote ? (['pipe'] as const) : [])],
        // Nothing of ours: no secrets for a file to find, no options of somebody's shell.
        env: { PATH: process.env.PATH, LANG: 'C.UTF-8' },
        ...(signal === undefined ? {} : { signal, killSignal: 'SIGKILL' as const }),
      })
      let outcome: Outcome | null = null
      let words = ''
      const tooSlow = () => {
        outcome ??= { kind: 'slow' }
        child.kill('SIGKILL')
      }
      let timer = setTimeout(tooSlow, limitMs)
      const channel = child.stdio[remoteChannel]
      if (remote && channel instanceof Duplex)
        serveFile(channel, remote, signal, (error) => {
          outcome ??= signal?.aborted ? { kind: 'aborted' } : { kind: 'lost', error }
          child.kill('SIGKILL')
        })
      createInterface({ input: child.stdout as Readable }).on('line', (line) => {
        const said = parse(line)
        if (said.result !== undefined) outcome ??= { kind: 'done', result: said.result }
        else if (said.broken !== undefined) outcome ??= { kind: 'broken', how: String(said.broken) }
        else if (said.names !== undefined) hear(said.names)
        else if (what === 'hash') {
          clearTimeout(timer)
          timer = setTimeout(tooSlow, limitMs)
        }
      })
      child.stderr?.on('data', (chunk: Buffer) => {
        words = (words + chunk.toString()).slice(-2000)
      })
      child.once('error', (error) => {
        outcome ??= signal?.aborted ? { kind: 'aborted' } : { kind: 'died', how: error.message }
      })
      child.once('close', (code, killedBy) => {
        clearTimeout(timer)
        resolve(outcome ?? { kind: 'died', how: words.trim().split('\n').at(-1) || `ended with ${killedBy ?? code}` })
      })
    })
  }

  return {
    superblock: readSuperblock,

    async indexFile(given, signal) {
      const file = typeof given === 'string' ? await realFile(given) : given
      if (file === null)
        return { problem: new ProblemFound('unreadable', 'This server may not read the file.').problem }
      const outcome = await run('index', file, indexMs, signal)
      if (outcome.kind === 'done') return resultSchema.parse(outcome.result)
      if (outcome.kind === 'lost') throw outcome.error
      if (outcome.kind === 'aborted') throw new LauncherError('unavailable', 'The server is stopping.')
      if (outcome.kind === 'broken')
        throw new LauncherError('unavailable', `The program that reads files doesn’t work: ${outcome.how}.`)
      const cause =
        outcome.kind === 'slow'
          ? `Reading it took longer than ${Math.round(indexMs / 1000)} s, so it was given up.`
          : 'Reading it needed more memory than any sound file needs, or broke the reader.'
      return { problem: new ProblemFound('too-demanding', cause).problem }
    },

    async readCells(given, signal) {
      const names: string[] = []
      const file = typeof given === 'string' ? await realFile(given) : given
      const hear = (some: unknown) => {
        for (const name of someNames.parse(some)) names.push(name)
      }
      const outcome = file === null ? null : await run('cells', file, indexMs, signal, hear)
      if (outcome?.kind === 'done') {
        const { cells, columns, genes } = cellsSchema.parse(outcome.result)
        if (cells === names.length) return { names, columns, genes }
      }
      if (outcome?.kind === 'lost') throw outcome.error
      throw new LauncherError('unavailable', 'The names of the cells could not be read from the file.')
    },

    async hashFile(path, signal) {
      const file = await realFile(path)
      const outcome = file === null ? null : await run('hash', file, quietMs, signal)
      if (outcome?.kind === 'done') return hashSchema.parse(outcome.result).sha256
      const why = outcome === null ? 'it may not be read' : 'how' in outcome ? outcome.how : outcome.kind
      throw new LauncherError('unavailable', `The file could not be read to its end: ${why}.`, {})
    },
  }
}

/** Where the worker will find a package: from its own place upwards. (`resolve` can't tell: h5wasm names no CommonJS entry.) */
function packageFolder(program: string, name: string): string {
  const folder = createRequire(program)
    .resolve.paths(name)
    ?.map((modules) => join(modules, name))
    .find((candidate) => existsSync(join(candidate, 'package.json')))
  if (folder === undefined)
    throw new LauncherError('bad-setting', `The npm package ${name} is missing: run npm start, which installs it.`)
  return realpathSync(folder)
}

async function realFile(path: string): Promise<string | null> {
  try {
    await access(path, constants.R_OK)
    return realpathSync(path)
  } catch {
    return null
  }
}

/** The option lost its prefix in node 22.13 and 23.5. */
function permissionFlags(paths: readonly string[]): string[] {
  const flags = process.allowedNodeEnvironmentFlags
  const name = ['--permission', '--experimental-permission'].find((flag) => flags.has(flag))
  // A comma inside a path would be taken for a separator by some versions, and a star for a pattern.
  if (name === undefined || paths.some((path) => /[,*]/.test(path))) return []
  return [name, ...paths.map((path) => `--allow-fs-read=${path}`)]
}

function parse(line: string): { result?: unknown; broken?: unknown; names?: unknown } {
  try {
    const said: unknown = JSON.parse(line)
    return typeof said === 'object' && said !== null ? said : {}
  } catch {
    return {}
  }
}
