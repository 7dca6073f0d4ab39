import type { ByteStream } from '../../../net/byte-stream.ts'
import { SERVER_LIMITS } from './limits.ts'
import { giveSlab, SLAB_BYTES, takeSlab } from './slab.ts'

/**
 * What goes to the client, gathered so that many small answers leave in one write. Text is latin1. Whoever says much asks
 * `full` now and then, and waits for `drained` before going on.
 */
export class Output {
  stream: ByteStream
  #text = ''
  #parts: (string | Buffer)[] = []
  /** In `#parts`. */
  #bytes = 0
  #soon = false
  /** What was copied, from `#start` to `#end`, and is in no part yet. */
  #slab: Buffer | undefined
  #start = 0
  #end = 0

  constructor(stream: ByteStream) {
    this.stream = stream
  }

  /** So much is gathered that it should leave. */
  get full(): boolean {
    return this.#bytes + this.#end - this.#start + this.#text.length >= SERVER_LIMITS.gatherBytes
  }

  text(text: string): void {
    this.#text += text
  }

  /** Bytes that nobody changes any more. */
  bytes(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#keepText()
    this.#keepSlab()
    this.#parts.push(bytes)
    this.#bytes += bytes.length
  }

  /** Bytes that may change afterwards. */
  copied(bytes: Buffer): void {
    if (bytes.length > COPIED_BYTES) return this.bytes(Buffer.from(bytes))
    if (this.#end + this.#text.length + bytes.length > SLAB_BYTES) this.flush()
    this.#slab ??= takeSlab()
    this.#keepText()
    this.#end += bytes.copy(this.#slab, this.#end)
  }

  flush(): void {
    if (this.#parts.length === 0 && this.#slab === undefined) {
      if (this.#text !== '') this.stream.write(this.#text)
      this.#text = ''
      return
    }
    this.#keepText()
    this.#keepSlab()
    const parts = this.#parts
    this.#parts = []
    const bytes = this.#bytes
    this.#bytes = 0
    const [only] = parts
    this.stream.write(parts.length === 1 && only !== undefined ? only : joined(parts, bytes))
    this.#leaveSlab(parts.length > 1)
  }

  /** Writes what is gathered once nothing else is to be done at once. */
  flushSoon(): void {
    if (this.#soon) return
    this.#soon = true
    process.nextTick(flushNow, this)
  }

  /** For `flushSoon`. */
  flushScheduled(): void {
    this.#soon = false
    this.flush()
  }

  /** Writes what is gathered; resolves when the client took enough of it. A client that takes nothing is given half an hour. */
  async drained(): Promise<void> {
    this.flush()
    this.stream.setDeadline(SERVER_LIMITS.idleMs)
    await this.stream.drained()
  }

  #keepText(): void {
    const text = this.#text
    if (text === '') return
    this.#text = ''
    if (this.#slab !== undefined && this.#end + text.length <= SLAB_BYTES) {
      this.#end += this.#slab.write(text, this.#end, 'latin1')
      return
    }
    this.#keepSlab()
    this.#parts.push(text)
    this.#bytes += text.length
  }

  #keepSlab(): void {
    if (this.#slab === undefined || this.#end === this.#start) return
    this.#parts.push(this.#slab.subarray(this.#start, this.#end))
    this.#bytes += this.#end - this.#start
    this.#start = this.#end
  }

  /** What was copied, or is with the kernel already, may be overwritten. The rest is the stream's. */
  #leaveSlab(copied: boolean): void {
    if (this.#slab !== undefined && (copied || this.stream.queuedBytes === 0)) giveSlab(this.#slab)
    this.#slab = undefined
    this.#start = 0
    this.#end = 0
  }
}

/** What is copied into a slab; larger pieces have memory of their own. */
const COPIED_BYTES = SLAB_BYTES / 2

function flushNow(output: Output): void {
  output.flushScheduled()
}

function joined(parts: readonly (string | Buffer)[], bytes: number): Buffer {
  const whole = Buffer.allocUnsafeSlow(bytes)
  let at = 0
  for (const part of parts) {
    if (typeof part === 'string') at += whole.write(part, at, 'latin1')
    else at += part.copy(whole, at)
  }
  return whole
}
