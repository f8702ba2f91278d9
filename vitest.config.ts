/** Tests in two groups, one after the other: quick ones, then those that start browsers and viewers; two files of a group at once. */
import { existsSync, readFileSync } from 'node:fs'
import { defineConfig } from 'vitest/config'

// What `npm test` found or installed, so that `npx vitest run test/…` finds it too; a variable that is set wins.
const written = `${import.meta.dirname}/.cache/test-env.json`
const known: Record<string, string> = existsSync(written) ? JSON.parse(readFileSync(written, 'utf8')) : {}
const env = {
  AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: 'true',
  ...known,
  ...Object.fromEntries(Object.keys(known).flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : []))),
}

/** More of these than processors would time each other out; two pass on two, also under three times the load. */
const heavy = [
  'test/e2e/**',
  'test/flow/**',
  'test/viewer/**',
  'test/companion/**',
  'test/attack/**',
  'test/drill/**',
].map((folder) => `${folder}/*.test.{ts,tsx}`)

/** One story of a page, whose moments are short: beside another browser some are over before they are looked at. */
const alone = ['test/companion/bad-moments.test.ts']

export default defineConfig({
  test: {
    env,
    setupFiles: ['test/support/record-traffic.ts'],
    // A second, vitest's own, is short for a browser on a busy machine.
    expect: { poll: { timeout: 30_000 } },
    projects: [
      {
        extends: true,
        test: {
          name: 'quick',
          include: ['test/**/*.test.{ts,tsx}'],
          exclude: heavy,
          maxWorkers: 2,
          // Seconds on a quiet machine; nothing is gained by giving up early on one that is not.
          testTimeout: 120_000,
          hookTimeout: 120_000,
          sequence: { groupOrder: 0 },
        },
      },
      {
        extends: true,
        test: {
          name: 'heavy',
          include: heavy,
          exclude: alone,
          maxWorkers: 2,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 1 },
        },
      },
      {
        extends: true,
        test: {
          name: 'alone',
          include: alone,
          maxWorkers: 1,
          testTimeout: 300_000,
          hookTimeout: 300_000,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
})
