/**
 * SASL exchanges over a line protocol: challenges and responses in base64, `*` gives up. RFC 4422 §5, profiles in RFC 3501
 * §6.2.2 (`+ `), RFC 5034 §4 (`+ `), RFC 4954 §4 (`334 `). ManageSieve sends strings instead of lines: it uses `decodeBase64`.
 */
import { LineTooLong } from '../net/byte-stream.ts'
import type { ByteStream } from '../net/byte-stream.ts'
import { InvalidBase64, InvalidBase64Data, SaslAborted } from '../sasl/mechanism.ts'

/** Longest base64 message that is read; longer ones close the connection (Dovecot: `Authentication response too large`). */
export const SASL_MESSAGE_BYTES = 8191

/** What went wrong with the client's side of an exchange. */
export type SaslFault =
  /** It sent `*`. */
  | 'aborted'
  /** Its response holds characters that are not base64. */
  | 'bad-characters'
  /** Only base64 characters, but cut short or wrongly padded. */
  | 'bad-padding'
  | 'too-large'
  /** It left, or the connection broke or ran into a deadline. */
  | 'closed'

/**
 * The challenge-response half of `Credentials` over a stream. When an exchange fails, `fault` tells the protocol what the
 * client did, whatever the auth service made of it; `lost` has the stream's error, to be thrown on.
 */
export class SaslLines {
  fault: SaslFault | undefined
  lost: unknown
  readonly #stream: ByteStream
  readonly #prefix: string

  /** `prefix` is what the protocol puts before a challenge, with its blank: `+ ` or `334 `. */
  constructor(stream: ByteStream, prefix: string) {
    this.#stream = stream
    this.#prefix = prefix
  }

  /** Sends a challenge and reads the response. Rejects with SaslAborted or InvalidBase64, and sets `fault`. */
  async challenge(data: Buffer): Promise<Buffer> {
    if (this.fault !== undefined) throw new SaslAborted('the exchange is over')
    this.#stream.write(`${this.#prefix}${data.toString('base64')}\r\n`)
    const line = await this.#readLine()
    if (line === undefined) throw this.#failed('closed')
    if (line === '*') throw this.#failed('aborted')
    const response = decodeBase64(line)
    if (response !== undefined) return response
    if (ONLY_BASE64.test(line)) {
      this.fault = 'bad-padding'
      throw new InvalidBase64Data('continued')
    }
    this.fault = 'bad-characters'
    throw new InvalidBase64('Invalid base64 in response')
  }

  /** Sends data that comes with success as one more challenge; what the client answers does not matter unless it is `*`. */
  async finish(data: Buffer): Promise<void> {
    await this.challenge(data)
  }

  forgive(): void {
    this.fault = undefined
  }

  async #readLine(): Promise<string | undefined> {
    try {
      return await this.#stream.readLine(SASL_MESSAGE_BYTES)
    } catch (error) {
      this.lost = error
      throw this.#failed(error instanceof LineTooLong ? 'too-large' : 'closed')
    }
  }

  #failed(fault: SaslFault): SaslAborted {
    this.fault = fault
    return new SaslAborted(fault)
  }
}

/** An initial response: `=` is an empty one (RFC 4959 §3); undefined when it is no base64. */
export function decodeInitialResponse(text: string): Buffer | undefined {
  return text === '=' ? Buffer.alloc(0) : decodeBase64(text)
}

/** An initial response for the wire, empty ones as `=`. RFC 4959 §3. */
export function encodeInitialResponse(data: Buffer): string {
  return data.length === 0 ? '=' : data.toString('base64')
}

/** Strict base64 with padding (RFC 4648 §4); undefined for anything else. */
export function decodeBase64(text: string): Buffer | undefined {
  return text.length % 4 === 0 && BASE64.test(text) ? Buffer.from(text, 'base64') : undefined
}

const BASE64 = /^[A-Za-z0-9+/]*={0,2}$/
/** Characters of base64, in whatever arrangement. */
export const ONLY_BASE64 = /^[A-Za-z0-9+/=]*$/
