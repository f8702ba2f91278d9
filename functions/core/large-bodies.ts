/** The port for bodies of the vault that the way to the API is too narrow for: part of `Vault`, where a platform needs it. */

/** Bodies that go by an address of their own, good for some minutes. */
export interface LargeBodies {
  /** Up to this many bytes go directly. */
  readonly directBytes: number
  /** The address below which all offers to the same are: their page must be allowed to connect to it. */
  place(whose: string): Promise<string>
  /**
   * An address that takes exactly these bytes, by PUT with exactly these headers.
   * @param whose who may name it afterwards
   */
  offer(
    whose: string,
    body: { sizeBytes: number /** Lower-case hex. */; sha256: string },
  ): Promise<{ url: string; headers: Record<string, string>; ref: string }>
  /** What was put there, proven; may be repeated. Throws `unavailable` when it is not there, `too-large`, `bad-request`. */
  take(whose: string, ref: string, mostBytes: number): Promise<Uint8Array>
  /** An address from which this is read, as a file of this name. */
  lend(body: Uint8Array, fileName: string): Promise<string>
}
