/**
 * What CloudFront says to the functions, so that they can tell it from the rest of the internet. While it is being replaced
 * both values are right: the functions read them here, CloudFront sends the first.
 */
export type Secrets = ReturnType<typeof secrets>

export function secrets() {
  const current = new sst.Secret('OriginSecret').value.apply(longEnough)
  // Empty unless a change is under way.
  const previous = new sst.Secret('OriginSecretPrevious', '').value
  const parameters = `/${$app.name}/${$app.stage}`
  const list = $util
    .all([current, previous])
    .apply(([now, before]) => JSON.stringify([now, ...(before ? [longEnough(before)] : [])]))
  new aws.ssm.Parameter('OriginSecrets', { name: `${parameters}/origin-secrets`, type: 'SecureString', value: list })
  return { parameters, originSecret: current }
}

/** The functions refuse a shorter one: better here than after the deploy. */
function longEnough(secret: string): string {
  if (secret.length >= 32) return secret
  throw new Error(
    `OriginSecret has ${secret.length} characters and must have 32 or more: sst secret set OriginSecret "$(openssl rand -hex 32)"`,
  )
}
