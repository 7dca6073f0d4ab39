import { InvalidBase64Data } from '../sasl/mechanism.ts'
import { Secret } from '../util/secret.ts'
import type { LoginIo, LoginVerdict } from './protocol.ts'
import { decodeInitialResponse, SASL_MESSAGE_BYTES, type SaslFault } from './sasl-wire.ts'

/** How a protocol moves SASL messages: the challenge half of `Credentials`, and what became of it. `SaslLines` is one. */
export interface SaslMessages {
  readonly fault: SaslFault | undefined
  /** The stream's error behind the fault `closed`, if it had one. */
  readonly lost: unknown
  challenge(data: Buffer): Promise<Buffer>
  finish(data: Buffer): Promise<void>
  /** A fault after which the verdict counts all the same is none. */
  forgive(): void
}

/** What an exchange comes to: an answer of the databases, a message that made no sense, or the end of the conversation. */
export type SaslOutcome =
  | { readonly kind: 'verdict'; readonly verdict: LoginVerdict }
  | { readonly kind: 'fault'; readonly fault: SaslMessageFault }
  /** The client left, or sent what nobody reads. */
  | { readonly kind: 'closed'; readonly reason: 'Connection closed' | 'Authentication response too large' }

/** Faults that are answered; the client may go on. */
export type SaslMessageFault = Exclude<SaslFault, 'closed' | 'too-large'> | 'invalid-initial'

/** What the client named: a mechanism, and the initial response in base64 when it sent one. */
export interface SaslRequest {
  readonly mechanism: string
  readonly initial: string | undefined
  /** Of its command, as in `Credentials`. */
  readonly tag?: string
}

/** Runs one SASL exchange of a client. Rejects with what the stream rejects with. */
export async function runSaslExchange(
  io: LoginIo,
  messages: SaslMessages,
  { mechanism, initial: text, tag }: SaslRequest,
): Promise<SaslOutcome> {
  if (text !== undefined && text.length > SASL_MESSAGE_BYTES) return TOO_LARGE
  const initial = text === undefined ? undefined : decodeInitialResponse(text)
  const isInvalid = text !== undefined && initial === undefined
  let refused = false
  const verdict = await io.attempt({
    mechanism,
    initial: initial === undefined ? undefined : new Secret(initial),
    tag,
    async challenge(data) {
      if (!isInvalid) return await messages.challenge(data)
      // An attempt as any other. An unknown or forbidden mechanism is refused as such before, whatever came with it.
      refused = true
      throw new InvalidBase64Data('initial')
    },
    finish: async (data) => await messages.finish(data),
  })
  if (refused) return { kind: 'fault', fault: 'invalid-initial' }
  if (messages.fault === undefined) await explainTokenRefusal(messages, mechanism, verdict)
  switch (messages.fault) {
    case undefined:
      return { kind: 'verdict', verdict }
    case 'closed':
      return unfinished(io, messages)
    case 'too-large':
      io.remark("client didn't finish SASL auth")
      return TOO_LARGE
    default:
      return { kind: 'fault', fault: messages.fault }
  }
}

/**
 * The backend's JSON about a bad token goes to a client that sent a token itself, as the error challenge that it knows how
 * to answer (RFC 7628 §3.2.3); the answer carries nothing, and the refusal stands even if it is `*`.
 */
async function explainTokenRefusal(messages: SaslMessages, mechanism: string, verdict: LoginVerdict): Promise<void> {
  if (verdict.kind !== 'backend-refused' || verdict.reply.oauthDetail === undefined) return
  if (!TOKEN_MECHANISMS.has(mechanism.toUpperCase())) return
  await messages.challenge(verdict.reply.oauthDetail).catch(() => undefined)
  if (messages.fault !== 'closed' && messages.fault !== 'too-large') messages.forgive()
}

function unfinished(io: LoginIo, messages: SaslMessages): SaslOutcome {
  io.remark("client didn't finish SASL auth")
  if (messages.lost !== undefined) throw messages.lost
  return { kind: 'closed', reason: 'Connection closed' }
}

const TOKEN_MECHANISMS = new Set(['XOAUTH2', 'OAUTHBEARER'])
const TOO_LARGE: SaslOutcome = { kind: 'closed', reason: 'Authentication response too large' }
