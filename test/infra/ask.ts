/** What the promises share: ways to find resources in a plan, and to change a copy of it. */
import type { Graph, Resource } from './graph.ts'

export type Promised = {
  name: string
  /** What is wrong, in words; empty when it is kept. */
  problems(graph: Graph): string[] | Promise<string[]>
  /** Changes a copy of the plan so that it is not. */
  broken(graph: Graph): void
}

export type Inputs = Record<string, unknown>

export const all = ({ resources }: Graph, type: string): Resource[] =>
  resources.filter((one) => one.type.startsWith(`aws:${type}`))

export const one = (graph: Graph, type: string, name: string): Resource => {
  const found = all(graph, type).find((resource) => resource.name === name)
  if (!found) throw new Error(`The plan has no ${type} ${name}.`)
  return found
}

export const set = (target: object, values: object): void => void Object.assign(target, values)
export const text = (value: unknown): string => JSON.stringify(value ?? null)
/** One sentence if something is not so. */
export const unless = (so: boolean, words: string): string[] => (so ? [] : [words])

/** Parses a JSON input, hands it to `change`, writes it back. */
export function edit<T>(inputs: Inputs, name: string, change: (value: T) => void): void {
  const value = JSON.parse(String(inputs[name])) as T
  change(value)
  inputs[name] = JSON.stringify(value)
}
