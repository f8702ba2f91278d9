/** The two Dockerfiles, read: what `npm run images:check` builds and runs as root, as far as it can be known without. */
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { taskShape } from '../../functions/platform/aws/settings.ts'
import { programs } from '../../functions/setup/build.mjs'
import { brokenRules, copied, listOf } from './dockerfile-rules.ts'

const root = path.resolve(import.meta.dirname, '../..')
const read = (file: string) => readFileSync(path.join(root, file), 'utf8')
const dockerfile = (name: string) => ({ name, text: read(`functions/${name}/Dockerfile`) })

describe.each(['gate', 'viewer'])('the image of the %s', (name) => {
  const { text } = dockerfile(name)

  test('keeps every rule', () => {
    expect(brokenRules({ name, text })).toEqual([])
  })

  test.each([
    ['USER 10001:10001', 'USER root', /as root/],
    ['FROM scratch', 'FROM debian:12.1.0-slim', /begins with something/],
    ['FROM $'.concat('{'), 'FROM debian:latest AS x\nFROM $'.concat('{'), /not pinned/],
    [/(_IMAGE=\S+):\d+\.\d+\.\d+-/, '$1:latest-', /not pinned/],
    ['COPY LICENSE /app/LICENSE', 'ADD https://example.org/x /app/x', /ADD/],
    ['FROM scratch', 'RUN curl https://example.org\nFROM scratch', /nothing pins/],
    ['FROM scratch', 'RUN pip install x\nFROM scratch', /without hashes/],
    ['USER 10001:10001', 'USER 10001:10001\nRUN true', /nothing there to run it/],
    [/^ENTRYPOINT .*$/m, 'ENTRYPOINT node x', /exec form/],
    ['VOLUME ["/task", "/tmp"]', '', /belong to root/],
    ['image.licenses', 'image.x', /no label licenses/],
  ])('breaks one when %s is made %s', (before, after, words) => {
    const changed = text.replace(before, after)
    expect(changed).not.toBe(text)
    expect(brokenRules({ name, text: changed }).join('\n')).toMatch(words)
  })

  test('is made of files that are there and that the build is given', () => {
    const ignore = read('.dockerignore').split('\n')
    expect(ignore.find((line) => line !== '' && !line.startsWith('#'))).toBe('*')
    const built = Object.keys(programs).map((program) => `dist/${program}`)
    for (const source of copied(text)) {
      expect(built.includes(source) || existsSync(path.join(root, source)), source).toBe(true)
      const given = ignore.some((line) => line === `!${source}` || line.startsWith(`!${source}/`))
      const byPattern = ignore.some((line) => line === `!${path.posix.dirname(source)}/*${path.posix.extname(source)}`)
      expect(given || byPattern, `${source} in .dockerignore`).toBe(true)
    }
  })
})

test('the context holds nothing else, and SST finds its line in it', () => {
  const given = read('.dockerignore')
    .split('\n')
    .filter((line) => line.startsWith('!'))
  const used = ['gate', 'viewer'].flatMap((name) => copied(dockerfile(name).text))
  for (const line of given)
    expect(
      used.some(
        (source) =>
          line.slice(1).startsWith(source) || path.posix.dirname(source) === path.posix.dirname(line.slice(1)),
      ),
      line,
    ).toBe(true)
  expect(read('.dockerignore').split('\n')).toContain('.sst')
})

test('both follow the shape of a task', () => {
  const viewer = listOf(dockerfile('viewer').text, 'ENTRYPOINT')
  expect(viewer[viewer.indexOf('--task-socket') + 1]).toBe(taskShape.taskSocket)
  expect(viewer[viewer.indexOf('--listen') + 1]).toBe(`unix:${taskShape.viewerSocket}`)
  expect(viewer).not.toContain('--memory-mib')
  expect(dockerfile('gate').text).toMatch(new RegExp(`^EXPOSE ${taskShape.gatePort}$`, 'm'))
  for (const name of ['gate', 'viewer']) {
    expect(listOf(dockerfile(name).text, 'VOLUME')).toContain(taskShape.taskDir)
    expect(dockerfile(name).text).toContain(`WORKDIR ${taskShape.taskDir}\n`)
  }
  // Made by the gate, below the volume, for both.
  for (const socket of [taskShape.taskSocket, taskShape.viewerSocket])
    expect(path.dirname(path.dirname(socket))).toBe(taskShape.taskDir)
})
