import { createHash, timingSafeEqual } from 'node:crypto'
import { inspect } from 'node:util'

/** A password or token. It prints as `[secret]` everywhere; `reveal` is the only way to its bytes. */
export class Secret {
  readonly #bytes: Buffer

  constructor(value: Buffer | string) {
    this.#bytes = typeof value === 'string' ? Buffer.from(value, 'utf8') : value
  }

  /** The bytes themselves. Callers pass them on at once and never log or store them. */
  reveal(): Buffer {
    return this.#bytes
  }

  get isEmpty(): boolean {
    return this.#bytes.length === 0
  }

  /** Constant-time comparison. */
  equals(other: Secret): boolean {
    return timingSafeEqual(sha256(this.#bytes), sha256(other.#bytes))
  }

  toString(): string {
    return '[secret]'
  }

  toJSON(): string {
    return '[secret]'
  }

  [inspect.custom](): string {
    return '[secret]'
  }
}

function sha256(bytes: Buffer): Buffer {
  return createHash('sha256').update(bytes).digest()
}
