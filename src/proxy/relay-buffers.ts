/** What a busy direction reads into and writes from; smaller costs CPU. Whole TLS records, so that none is sent half full. */
export const RELAY_BUFFER_BYTES = 39 * 16 * 1024

/** So many are lent at once in a process; then busy directions go on with the shared read buffer. */
export const RELAY_BUFFERS = 32

/** So many unused ones are kept. */
const KEPT_BUFFERS = 4

/** Large buffers of one process, lent to the directions that are busy. */
export class RelayBuffers {
  readonly #kept: Buffer[] = []
  #lent = 0

  get lent(): number {
    return this.#lent
  }

  /** Undefined when all are lent. */
  borrow(): Buffer | undefined {
    if (this.#lent >= RELAY_BUFFERS) return undefined
    this.#lent++
    return this.#kept.pop() ?? Buffer.allocUnsafeSlow(RELAY_BUFFER_BYTES)
  }

  /** Nobody may read from or write to it any more. */
  giveBack(buffer: Buffer): void {
    this.#lent--
    if (this.#kept.length < KEPT_BUFFERS) this.#kept.push(buffer)
  }

  /** For a buffer that the kernel may still be writing from: it is not used again. */
  abandon(): void {
    this.#lent--
  }
}

export const relayBuffers = new RelayBuffers()
