/** Secrets of a deployment, in SSM: the signing key, which a Lambda makes at first need, and what CloudFront must say. */
import { GetParametersCommand, PutParameterCommand, type SSMClient } from '@aws-sdk/client-ssm'
import type { JWK } from 'jose'
import { type Keys, loadKeys, newSigningJwk, parseSigningJwk } from '../../auth/keys.ts'
import { LauncherError } from '../../core/errors.ts'
import { awsName, unavailable } from './errors.ts'

export type Secrets = {
  keys: Keys
  /** Any of them is right: two while one is being replaced. */
  originSecrets: readonly string[]
}

/**
 * @param prefix `/<app>/<stage>`, without a slash at its end
 * Throws `bad-setting` when what is there can't be used, `unavailable` when SSM can't be reached.
 */
export async function loadSecrets(ssm: SSMClient, prefix: string): Promise<Secrets> {
  const names = { key: `${prefix}/signing-key`, origin: `${prefix}/origin-secrets` }
  const found = await read(ssm, [names.key, names.origin])
  const key = found.get(names.key) ?? (await make(ssm, names.key))
  return {
    keys: await loadKeys(keyOf(names.key, key)),
    originSecrets: secretsOf(names.origin, found.get(names.origin)),
  }
}

async function read(ssm: SSMClient, names: string[]): Promise<Map<string, string>> {
  try {
    const { Parameters = [] } = await ssm.send(new GetParametersCommand({ Names: names, WithDecryption: true }))
    return new Map(Parameters.map(({ Name = '', Value = '' }) => [Name, Value]))
  } catch (error) {
    throw unavailable('The store of secrets (SSM)', error)
  }
}

/** Two Lambdas that start at once end with one key: who comes second is refused, and reads the first one's. */
async function make(ssm: SSMClient, name: string): Promise<string> {
  const fresh = JSON.stringify(await newSigningJwk())
  try {
    await ssm.send(new PutParameterCommand({ Name: name, Value: fresh, Type: 'SecureString', Overwrite: false }))
    return fresh
  } catch (error) {
    if (awsName(error) !== 'ParameterAlreadyExists') throw unavailable('The store of secrets (SSM)', error)
  }
  const there = (await read(ssm, [name])).get(name)
  if (there === undefined) throw unavailable('The store of secrets (SSM)', null)
  return there
}

function keyOf(name: string, text: string): JWK {
  const jwk = parseSigningJwk(text)
  if (jwk !== null) return jwk
  throw new LauncherError(
    'bad-setting',
    `The parameter ${name} holds no key. Delete it: a new one is made, and everybody signs in again.`,
  )
}

/** A secret that is short could be guessed; one that is missing would open the functions to the whole internet. */
function secretsOf(name: string, text: string | undefined): readonly string[] {
  let value: unknown
  try {
    value = JSON.parse(text ?? '')
  } catch {
    value = null
  }
  const good = (one: unknown): one is string => typeof one === 'string' && one.length >= 32
  if (Array.isArray(value) && value.length > 0 && value.length <= 2 && value.every(good)) return value
  throw new LauncherError(
    'bad-setting',
    `The parameter ${name} must be a JSON list of one or two secrets of at least 32 characters. Deploy again.`,
  )
}
