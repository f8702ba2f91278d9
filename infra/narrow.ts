/**
 * What SST would give by default and nobody here should have, refused for every role of the plan, whoever makes it: a role
 * that all of the account may take, and a right to every parameter and secret of it. Our own roles never ask for either; a
 * component of SST that is added one day might.
 */
const tooWide = ['ssm:GetParameters', 'ssm:GetParameter', 'secretsmanager:GetSecretValue', 'ssmmessages:']

export function narrow(): void {
  $transform(aws.iam.Role, (args) => {
    // A role that is only looked up.
    if (args.assumeRolePolicy === undefined) return
    args.assumeRolePolicy = $util.output(args.assumeRolePolicy).apply((trust) => {
      const policy = (typeof trust === 'string' ? JSON.parse(trust) : trust) as Document
      return JSON.stringify({ ...policy, Statement: list(policy.Statement).flatMap(withoutAccount) })
    })
    // An empty list would be an order: delete what aws.iam.RolePolicy adds.
    if (args.inlinePolicies === undefined) return
    args.inlinePolicies = $util.output(args.inlinePolicies).apply((inline) =>
      (inline ?? []).flatMap((one) => {
        const policy = JSON.parse(one.policy ?? '{}') as Document
        const Statement = list(policy.Statement).filter((statement) => !isTooWide(statement))
        return Statement.length === 0 ? [] : [{ ...one, policy: JSON.stringify({ ...policy, Statement }) }]
      }),
    )
  })
}

type Statement = { Effect?: string; Action?: string | string[]; Resource?: string | string[]; Principal?: unknown }
type Document = { Statement?: Statement | Statement[] }

const list = <T>(value: T | T[] | undefined): T[] => (value === undefined ? [] : Array.isArray(value) ? value : [value])

function withoutAccount(statement: Statement): Statement[] {
  const principal = statement.Principal as { Service?: unknown; AWS?: unknown } | undefined
  if (typeof principal !== 'object' || principal.AWS === undefined) return [statement]
  const { AWS: _account, ...others } = principal
  return Object.keys(others).length === 0 ? [] : [{ ...statement, Principal: others }]
}

const isTooWide = ({ Effect, Action, Resource }: Statement): boolean =>
  Effect !== 'Deny' &&
  list(Resource).includes('*') &&
  list(Action).some((action) => tooWide.some((wide) => action.startsWith(wide)))
