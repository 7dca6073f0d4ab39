import type { ByteStream } from '../../../net/byte-stream.ts'
import { SERVER_LIMITS } from './limits.ts'

/**
 * What goes to the client, gathered so that many small answers leave in one write. Text is latin1. Whoever says much asks
 * `full` now and then, and waits for `drained` before going on.
 */
export class Output {
  stream: ByteStream
  #text = ''
  #parts: (string | Buffer)[] = []
  #bytes = 0
  #soon = false

  constructor(stream: ByteStream) {
    this.stream = stream
  }

  /** So much is gathered that it should leave. */
  get full(): boolean {
    return this.#bytes + this.#text.length >= SERVER_LIMITS.gatherBytes
  }

  text(text: string): void {
    this.#text += text
  }

  /** Bytes that nobody changes any more. */
  bytes(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#keepText()
    this.#parts.push(bytes)
    this.#bytes += bytes.length
  }

  flush(): void {
    if (this.#parts.length === 0) {
      if (this.#text !== '') this.stream.write(this.#text)
      this.#text = ''
      return
    }
    this.#keepText()
    const parts = this.#parts
    this.#parts = []
    const bytes = this.#bytes
    this.#bytes = 0
    const [only] = parts
    this.stream.write(parts.length === 1 && only !== undefined ? only : joined(parts, bytes))
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
    if (this.#text === '') return
    this.#parts.push(this.#text)
    this.#bytes += this.#text.length
    this.#text = ''
  }
}

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
