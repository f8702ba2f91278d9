/**
 * h5wasm asks `process.binding('constants')` for the flags of `open`, which node's permission model refuses. The same
 * numbers are public; give it those. Imported before anything that loads h5wasm.
 */
import { constants } from 'node:fs'

Object.defineProperty(process, 'binding', { value: () => ({ fs: constants }), configurable: true })
