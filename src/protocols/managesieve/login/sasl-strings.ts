import { LineTooLong, type ByteStream } from '../../../net/byte-stream.ts'
import { InvalidBase64, InvalidBase64Data, SaslAborted } from '../../../sasl/mechanism.ts'
import type { SaslMessages } from '../../sasl-exchange.ts'
import { decodeBase64, ONLY_BASE64, SASL_MESSAGE_BYTES, type SaslFault } from '../../sasl-wire.ts'
import { no, type Reply } from '../status.ts'
import { writeString } from '../wire/strings.ts'
import { readWords } from './read-words.ts'

/** SASL messages as ManageSieve's strings; data that comes with success goes with the OK. RFC 5804 §2.1. */
export class SaslStrings implements SaslMessages {
  fault: SaslFault | undefined
  lost: unknown
  /** For the response code of the OK. */
  success: Buffer | undefined
  /** What is wrong with a response that is no string. */
  complaint: Reply | undefined
  readonly #stream: ByteStream

  constructor(stream: ByteStream) {
    this.#stream = stream
  }

  async challenge(data: Buffer): Promise<Buffer> {
    if (this.fault !== undefined) throw new SaslAborted('the exchange is over')
    this.#stream.write(`${writeString(data.toString('base64'))}\r\n`)
    const text = this.#response(await this.#read())
    if (text === '*') throw this.#failed('aborted')
    const response = text === undefined ? undefined : decodeBase64(text)
    if (response !== undefined) return response
    if (text !== undefined && ONLY_BASE64.test(text)) {
      this.fault = 'bad-padding'
      throw new InvalidBase64Data('continued')
    }
    this.fault = 'bad-characters'
    throw new InvalidBase64('Invalid base64 in response')
  }

  async finish(data: Buffer): Promise<void> {
    this.success = data
  }

  forgive(): void {
    this.fault = undefined
  }

  async #read(): ReturnType<typeof readWords> {
    try {
      const line = await this.#stream.readLine(SASL_MESSAGE_BYTES)
      return line === undefined ? 'closed' : await readWords(this.#stream, line, RESPONSE_LIMITS)
    } catch (error) {
      this.lost = error
      throw this.#failed(error instanceof LineTooLong ? 'too-large' : 'closed')
    }
  }

  /** The string; without one there is a complaint. */
  #response(words: Awaited<ReturnType<typeof readWords>>): string | undefined {
    if (words === 'closed' || words === 'too-large') throw this.#failed(words)
    if (words === 'bad') {
      this.complaint = no('Error in AUTHENTICATE response string: Quoted string contains an invalid character')
      return undefined
    }
    const [word] = words
    if (word?.kind === 'string') return word.text
    const problem = word === undefined ? 'Received empty AUTHENTICATE client response line.' : INVALID
    this.complaint = no(problem)
    return undefined
  }

  #failed(fault: SaslFault): SaslAborted {
    this.fault = fault
    return new SaslAborted(fault)
  }
}

const INVALID = 'Invalid AUTHENTICATE client response.'
const RESPONSE_LIMITS = { lineBytes: SASL_MESSAGE_BYTES, literalBytes: SASL_MESSAGE_BYTES, literals: 1 }
