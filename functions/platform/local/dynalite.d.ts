/** dynalite ships no types; this is the part that we use. */
declare module 'dynalite' {
  import type { Server } from 'node:http'

  function dynalite(options: { path?: string; createTableMs?: number; deleteTableMs?: number }): Server
  export = dynalite
}
