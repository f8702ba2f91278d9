/** `npm run docs`: writes the generated parts of the documents; `npm run docs -- infra`: the table of rights, from the plan of a deploy. */
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { projectRoot } from '../../functions/setup/python.ts'
import { planned } from '../infra/graph.ts'
import { policyTable } from '../infra/policy-table.ts'
import { writeDocuments } from './documents.ts'

if (process.argv[2] === 'infra')
  writeFileSync(path.join(projectRoot(), 'infra', 'policies.md'), policyTable(await planned('production')))
else writeDocuments(projectRoot())
