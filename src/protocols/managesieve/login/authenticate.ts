import { InvalidBase64, SaslAborted } from '../../../sasl/mechanism.ts'
import { assertNever } from '../../../util/assert-never.ts'
import { Secret } from '../../../util/secret.ts'
import type { LoginEnd, LoginIo, LoginVerdict } from '../../protocol.ts'
import { decodeBase64, SASL_MESSAGE_BYTES, type SaslFault } from '../../sasl-wire.ts'
import { ABORTED, INVALID_BASE64, INVALID_INITIAL, verdictReply } from '../status.ts'
import { writeString, type Word } from '../wire/strings.ts'
import type { LoginDialogue } from './dialogue.ts'
import { readWords } from './read-words.ts'

/** AUTHENTICATE: mechanism and initial response are strings, and so are challenges and responses. RFC 5804 §2.1. */
export async function authenticate(dialogue: LoginDialogue, words: readonly Word[]): Promise<LoginEnd | undefined> {
  const [mechanism, response, extra] = words
  if (mechanism?.kind !== 'string' || mechanism.text === '' || extra !== undefined || response?.kind === 'atom')
    return dialogue.badCommand()
  const initial = response === undefined ? undefined : decodeBase64(response.text)
  // An unknown or forbidden mechanism is refused as such, whatever came with it.
  const offered = dialogue.io.offeredMechanisms().includes(mechanism.text.toUpperCase())
  if (response !== undefined && initial === undefined && offered) return dialogue.reply(INVALID_INITIAL)
  const strings = new SaslStrings(dialogue.io)
  const verdict = await dialogue.io.attempt({
    mechanism: mechanism.text,
    initial: initial === undefined ? undefined : new Secret(initial),
    challenge: async (data) => await strings.challenge(data),
    // Goes with the OK: RFC 5804 §2.1, response code SASL.
    finish: async (data) => {
      strings.success = data
    },
  })
  switch (strings.fault) {
    case undefined:
      return conclude(dialogue, strings, verdict)
    case 'closed':
      dialogue.io.remark("client didn't finish SASL auth")
      if (strings.lost !== undefined) throw strings.lost
      return { kind: 'closed', reason: 'Connection closed' }
    case 'too-large':
      dialogue.io.remark("client didn't finish SASL auth")
      return { kind: 'closed', reason: 'Authentication response too large' }
    case 'aborted':
      return dialogue.reply(ABORTED)
    default:
      return dialogue.reply(INVALID_BASE64)
  }
}

/** The challenge-response half of `Credentials` in ManageSieve's strings. */
class SaslStrings {
  fault: SaslFault | undefined
  lost: unknown
  success: Buffer | undefined
  readonly #io: LoginIo

  constructor(io: LoginIo) {
    this.#io = io
  }

  async challenge(data: Buffer): Promise<Buffer> {
    if (this.fault !== undefined) throw new SaslAborted('the exchange is over')
    this.#io.stream.write(`${writeString(data.toString('base64'))}\r\n`)
    const words = await this.#read()
    if (words === 'closed' || words === 'too-large') throw this.#failed(words)
    const [word, extra] = words === 'bad' ? [] : words
    if (word?.text === '*' && extra === undefined) throw this.#failed('aborted')
    const response = word?.kind === 'string' && extra === undefined ? decodeBase64(word.text) : undefined
    if (response !== undefined) return response
    this.fault = 'bad-characters'
    throw new InvalidBase64('invalid base64 in response')
  }

  async #read(): Promise<readonly Word[] | 'closed' | 'bad' | 'too-large'> {
    const { stream } = this.#io
    try {
      const line = await stream.readLine(SASL_MESSAGE_BYTES)
      if (line === undefined) return 'closed'
      return await readWords(stream, line, {
        lineBytes: SASL_MESSAGE_BYTES,
        literalBytes: SASL_MESSAGE_BYTES,
        literals: 1,
      })
    } catch (error) {
      this.lost = error
      throw this.#failed('closed')
    }
  }

  #failed(fault: SaslFault): SaslAborted {
    this.fault = fault
    return new SaslAborted(fault)
  }
}

function conclude(dialogue: LoginDialogue, strings: SaslStrings, verdict: LoginVerdict): LoginEnd | undefined {
  switch (verdict.kind) {
    case 'proxied':
      dialogue.say(verdict.welcome.lines.join('\r\n'))
      return { kind: 'proxied' }
    case 'local':
      dialogue.say(
        strings.success === undefined
          ? 'OK "Logged in."'
          : `OK (SASL ${writeString(strings.success.toString('base64'))}) "Logged in."`,
      )
      return { kind: 'local', user: verdict.user }
    case 'refused':
    case 'proxy-failed':
    case 'backend-refused':
      return dialogue.reply(verdictReply(verdict, { hostname: dialogue.io.hostname, now: new Date() }))
    default:
      return assertNever(verdict)
  }
}
