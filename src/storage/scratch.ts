/**
 * Memory for the bytes of one message at a time. Whoever reads many messages lends it to each; what lies in it is overwritten by
 * the next, so nothing may keep it.
 */
export class Scratch {
  #bytes = Buffer.alloc(0)

  /** At least so many bytes, holding anything. */
  take(sizeBytes: number): Buffer {
    if (this.#bytes.length < sizeBytes) this.#bytes = Buffer.allocUnsafe(Math.max(sizeBytes, 2 * this.#bytes.length))
    return this.#bytes
  }
}
