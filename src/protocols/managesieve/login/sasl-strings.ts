import { LineTooLong, type ByteStream } from '../../../net/byte-stream.ts'
import { InvalidBase64, SaslAborted } from '../../../sasl/mechanism.ts'
import type { SaslMessages } from '../../sasl-exchange.ts'
import { decodeBase64, ONLY_BASE64, SASL_MESSAGE_BYTES, type SaslFault } from '../../sasl-wire.ts'
import { writeString, type Word } from '../wire/strings.ts'
import { readWords } from './read-words.ts'

/** SASL messages as ManageSieve's strings; data that comes with success goes with the OK. RFC 5804 §2.1. */
export class SaslStrings implements SaslMessages {
  fault: SaslFault | undefined
  lost: unknown
  /** For the response code of the OK. */
  success: Buffer | undefined
  readonly #stream: ByteStream

  constructor(stream: ByteStream) {
    this.#stream = stream
  }

  async challenge(data: Buffer): Promise<Buffer> {
    if (this.fault !== undefined) throw new SaslAborted('the exchange is over')
    this.#stream.write(`${writeString(data.toString('base64'))}\r\n`)
    const words = await this.#read()
    if (words === 'closed' || words === 'too-large') throw this.#failed(words)
    const [word, extra] = words === 'bad' ? [] : words
    if (word?.text === '*' && extra === undefined) throw this.#failed('aborted')
    const text = word?.kind === 'string' && extra === undefined ? word.text : undefined
    const response = text === undefined ? undefined : decodeBase64(text)
    if (response !== undefined) return response
    this.fault = text !== undefined && ONLY_BASE64.test(text) ? 'bad-padding' : 'bad-characters'
    throw new InvalidBase64('invalid base64 in response')
  }

  async finish(data: Buffer): Promise<void> {
    this.success = data
  }

  forgive(): void {
    this.fault = undefined
  }

  async #read(): Promise<readonly Word[] | 'closed' | 'bad' | 'too-large'> {
    try {
      const line = await this.#stream.readLine(SASL_MESSAGE_BYTES)
      return line === undefined ? 'closed' : await readWords(this.#stream, line, RESPONSE_LIMITS)
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

const RESPONSE_LIMITS = { lineBytes: SASL_MESSAGE_BYTES, literalBytes: SASL_MESSAGE_BYTES, literals: 1 }
