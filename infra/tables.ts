/** The one table: its shape is the program's own, so that it can't differ from the one on a single machine. */
import { expiresAttribute } from '../functions/platform/dynamo/expired.ts'
import { tableShape } from '../functions/platform/dynamo/table.ts'
import { isKept, named } from './stage.ts'

export type Tables = ReturnType<typeof tables>

export function tables() {
  const keys = (schema: readonly { AttributeName: string; KeyType: string }[]) => ({
    hashKey: schema.find(({ KeyType }) => KeyType === 'HASH')?.AttributeName ?? '',
    rangeKey: schema.find(({ KeyType }) => KeyType === 'RANGE')?.AttributeName ?? '',
  })
  return new aws.dynamodb.Table(
    'Table',
    {
      name: named('table'),
      billingMode: tableShape.BillingMode,
      attributes: tableShape.AttributeDefinitions.map(({ AttributeName, AttributeType }) => ({
        name: AttributeName,
        type: AttributeType,
      })),
      ...keys(tableShape.KeySchema),
      globalSecondaryIndexes: tableShape.GlobalSecondaryIndexes.map(({ IndexName, KeySchema, Projection }) => ({
        name: IndexName,
        ...keys(KeySchema),
        projectionType: Projection.ProjectionType,
      })),
      ttl: { attributeName: expiresAttribute, enabled: true },
      pointInTimeRecovery: { enabled: true },
      serverSideEncryption: { enabled: true },
      deletionProtectionEnabled: isKept,
    },
    { protect: isKept },
  )
}
