/** Holds every answer of the API to its own OpenAPI document. */
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'

type Operation = { tags?: string[]; responses: Record<string, { content?: Record<string, { schema?: unknown }> }> }
export type OpenApi = { openapi: string; paths: Record<string, Record<string, Operation>> }

export type Conform = {
  /** Throws, in words, when status, content type or body are not as described. Gives the answer back, unread. */
  check(method: string, path: string, answer: Response): Promise<Response>
  /** Operations (`get /api/me`) and their statuses that were checked so far. */
  seen: Set<string>
  /** Operations with this tag that no checked answer has shown to succeed. */
  unseen(tag: string): string[]
}

export function conformTo(document: OpenApi): Conform {
  const ajv = new Ajv2020({ strict: false, allErrors: true })
  formats.default(ajv)
  ajv.addSchema(document, 'api')
  const templates = Object.keys(document.paths).map((template) => ({
    template,
    pattern: new RegExp(`^${template.replace(/\{\w+\}/g, '[^/]+')}$`),
  }))
  const pointer = (part: string) => part.replaceAll('~', '~0').replaceAll('/', '~1')
  const seen = new Set<string>()
  return {
    seen,
    unseen(tag) {
      const done = new Set([...seen].filter((line) => / 20\d$/.test(line)).map((line) => line.replace(/ \d+$/, '')))
      return Object.entries(document.paths)
        .flatMap(([path, verbs]) =>
          Object.entries(verbs).map(([verb, of]) => ({ name: `${verb} ${path}`, tags: of.tags })),
        )
        .filter(({ name, tags }) => tags?.includes(tag) && !done.has(name))
        .map(({ name }) => name)
    },
    async check(method, path, answer) {
      const verb = method.toLowerCase()
      const bare = path.split('?')[0] ?? ''
      const template = templates.find(({ pattern }) => pattern.test(bare))?.template ?? ''
      const where = `${verb} ${template || bare} → ${answer.status}`
      const response = document.paths[template]?.[verb]?.responses[answer.status]
      if (response === undefined) throw new Error(`${where} is not described`)
      const type = (answer.headers.get('content-type') ?? '').split(';')[0] ?? ''
      if (response.content === undefined && (await answer.clone().text()) === '') {
        seen.add(`${verb} ${template} ${answer.status}`)
        return answer
      }
      if (response.content?.[type] === undefined) throw new Error(`${where}: ${type} is not described`)
      const copy = answer.clone()
      const body: unknown = type.endsWith('json') ? await copy.json() : await copy.text()
      const at = ['paths', template, verb, 'responses', String(answer.status), 'content', type, 'schema']
      const validate = ajv.compile({ $ref: `api#/${at.map((part) => encodeURIComponent(pointer(part))).join('/')}` })
      if (!validate(body)) throw new Error(`${where}: ${ajv.errorsText(validate.errors)} in ${JSON.stringify(body)}`)
      seen.add(`${verb} ${template} ${answer.status}`)
      return answer
    },
  }
}
