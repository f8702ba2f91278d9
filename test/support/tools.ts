/** Where the harness put what the tests need. */

type Tool =
  | 'CXOD_TEST_PYTHON'
  | 'CXOD_TEST_SAMPLE'
  | 'CXOD_TEST_CHROMIUM'
  | 'CXOD_TEST_JAVA'
  | 'CXOD_TEST_DYNAMODB_LOCAL'
  | 'CXOD_TEST_MOTO'

/** @returns a path; throws with what to do when the harness has never run here */
export function tool(name: Tool): string {
  const value = process.env[name]
  if (value) return value
  throw new Error(`${name} is not set: run "npm test -- --setup" once; it installs what the tests need into .cache.`)
}

/** Interpreter of the viewer's environment. */
export const testPython = (): string => tool('CXOD_TEST_PYTHON')
/** `10x_pbmc68k_reduced.h5ad`, in a folder `public` of its own. Copy it, never change it. */
export const testSample = (): string => tool('CXOD_TEST_SAMPLE')
