import { Secret } from '../../../util/secret.ts'
import type { LoginVerdict } from '../../protocol.ts'
import { decodeInitialResponse, SASL_MESSAGE_BYTES, SaslLines } from '../../sasl-wire.ts'
import { faultReply, INVALID_INITIAL } from '../status.ts'
import type { CommandOutcome, RawCommand } from './command.ts'
import { concludeAttempt } from './conclude.ts'
import type { LoginDialogue } from './dialogue.ts'

/** AUTHENTICATE. RFC 3501 §6.2.2, with an initial response as in RFC 4959. */
export const authenticate: RawCommand = {
  kind: 'raw',
  async run(dialogue, tag, rest) {
    const space = rest.indexOf(' ')
    const mechanism = space < 0 ? rest : rest.slice(0, space)
    const text = space < 0 ? '' : rest.slice(space + 1)
    if (mechanism === '') return 'bad'
    if (text.length > SASL_MESSAGE_BYTES) return TOO_LARGE
    const initial = text === '' ? undefined : decodeInitialResponse(text)
    // An unknown or forbidden mechanism is refused as such, whatever came with it.
    if (text !== '' && initial === undefined && isOffered(dialogue, mechanism)) {
      return dialogue.reply(tag, INVALID_INITIAL)
    }
    return exchange(dialogue, tag, mechanism, initial)
  },
}

async function exchange(
  dialogue: LoginDialogue,
  tag: string,
  mechanism: string,
  initial: Buffer | undefined,
): Promise<CommandOutcome> {
  const lines = new SaslLines(dialogue.io.stream, '+ ')
  const verdict = await dialogue.io.attempt({
    mechanism,
    initial: initial === undefined ? undefined : new Secret(initial),
    challenge: (data) => lines.challenge(data),
    finish: (data) => lines.finish(data),
  })
  if (lines.fault === undefined) await explainTokenRefusal(lines, mechanism, verdict)
  switch (lines.fault) {
    case undefined:
      return concludeAttempt(dialogue, tag, 'AUTHENTICATE', verdict)
    case 'closed':
      return unfinished(dialogue, lines)
    case 'too-large':
      dialogue.io.remark("client didn't finish SASL auth")
      return TOO_LARGE
    default:
      return dialogue.reply(tag, faultReply(lines.fault))
  }
}

/**
 * The backend's JSON about a bad token goes to a client that sent a token itself, as the error challenge that it knows how
 * to answer (RFC 7628 §3.2.3); the answer carries nothing, and the refusal stands even if it is `*`.
 */
async function explainTokenRefusal(lines: SaslLines, mechanism: string, verdict: LoginVerdict): Promise<void> {
  if (verdict.kind !== 'backend-refused' || verdict.reply.oauthDetail === undefined) return
  if (!TOKEN_MECHANISMS.has(mechanism.toUpperCase())) return
  await lines.challenge(verdict.reply.oauthDetail).catch(() => undefined)
  if (lines.fault !== 'closed' && lines.fault !== 'too-large') lines.fault = undefined
}

function unfinished(dialogue: LoginDialogue, lines: SaslLines): CommandOutcome {
  dialogue.io.remark("client didn't finish SASL auth")
  if (lines.lost !== undefined) throw lines.lost
  return { kind: 'closed', reason: 'Connection closed' }
}

function isOffered(dialogue: LoginDialogue, mechanism: string): boolean {
  return dialogue.io.offeredMechanisms().includes(mechanism.toUpperCase())
}

const TOKEN_MECHANISMS = new Set(['XOAUTH2', 'OAUTHBEARER'])
const TOO_LARGE = { kind: 'closed', reason: 'Authentication response too large' } as const
