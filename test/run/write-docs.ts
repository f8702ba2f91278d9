/** `npm run docs`: writes the generated parts of the documents. */
import { projectRoot } from '../../functions/setup/python.ts'
import { writeDocuments } from './documents.ts'

writeDocuments(projectRoot())
