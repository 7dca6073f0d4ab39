import { Secret } from '../../../util/secret.ts'
import type { LoginEnd, LoginVerdict } from '../../protocol.ts'
import { decodeInitialResponse, SASL_MESSAGE_BYTES, SaslLines } from '../../sasl-wire.ts'
import { ABORTED, INVALID_BASE64, INVALID_INITIAL } from '../status.ts'
import { concludeAttempt } from './conclude.ts'
import type { LoginDialogue } from './dialogue.ts'

/** AUTH: lists mechanisms, or logs in with one. RFC 5034 §4. */
export async function auth(dialogue: LoginDialogue, args: string): Promise<LoginEnd | undefined> {
  const offered = dialogue.io.offeredMechanisms()
  if (args === '') return dialogue.say(['+OK', ...offered, '.'].join('\r\n'))
  const space = args.indexOf(' ')
  const mechanism = space < 0 ? args : args.slice(0, space)
  const text = space < 0 ? '' : args.slice(space + 1)
  if (text.length > SASL_MESSAGE_BYTES) return TOO_LARGE
  const initial = text === '' ? undefined : decodeInitialResponse(text)
  // An unknown or forbidden mechanism is refused as such, whatever came with it.
  if (text !== '' && initial === undefined && offered.includes(mechanism.toUpperCase()))
    return dialogue.reply(INVALID_INITIAL)
  return await exchange(dialogue, mechanism, initial)
}

/** APOP: `name digest`, the digest of the greeting's timestamp and the password. RFC 1939 §7. */
export async function apop(dialogue: LoginDialogue, args: string): Promise<LoginEnd | undefined> {
  if (dialogue.apopTimestamp === undefined) return dialogue.say('-ERR APOP not enabled.')
  const parts = /^(\S+) ([0-9a-fA-F]{32})$/.exec(args)
  if (parts?.[1] === undefined || parts[2] === undefined) return dialogue.say('-ERR Invalid parameters.')
  const head = Buffer.from(`${dialogue.apopTimestamp}\0${parts[1]}\0`, 'latin1')
  return await exchange(dialogue, 'APOP', Buffer.concat([head, Buffer.from(parts[2], 'hex')]))
}

async function exchange(
  dialogue: LoginDialogue,
  mechanism: string,
  initial: Buffer | undefined,
): Promise<LoginEnd | undefined> {
  const lines = new SaslLines(dialogue.io.stream, '+ ')
  const verdict = await dialogue.io.attempt({
    mechanism,
    initial: initial === undefined ? undefined : new Secret(initial),
    challenge: async (data) => await lines.challenge(data),
    finish: async (data) => await lines.finish(data),
  })
  if (lines.fault === undefined) await explainTokenRefusal(lines, mechanism, verdict)
  switch (lines.fault) {
    case undefined:
      return concludeAttempt(dialogue, 'AUTH', verdict)
    case 'closed':
      dialogue.io.remark("client didn't finish SASL auth")
      if (lines.lost !== undefined) throw lines.lost
      return { kind: 'closed', reason: 'Connection closed' }
    case 'too-large':
      dialogue.io.remark("client didn't finish SASL auth")
      return TOO_LARGE
    case 'aborted':
      return dialogue.reply(ABORTED)
    default:
      return dialogue.reply(INVALID_BASE64)
  }
}

/** The backend's JSON about a bad token goes to a client that sent a token itself (RFC 7628 §3.2.3). */
async function explainTokenRefusal(lines: SaslLines, mechanism: string, verdict: LoginVerdict): Promise<void> {
  if (verdict.kind !== 'backend-refused' || verdict.reply.oauthDetail === undefined) return
  if (!/^(?:XOAUTH2|OAUTHBEARER)$/i.test(mechanism)) return
  await lines.challenge(verdict.reply.oauthDetail).catch(() => undefined)
  if (lines.fault !== 'closed' && lines.fault !== 'too-large') lines.fault = undefined
}

const TOO_LARGE = { kind: 'closed', reason: 'Authentication response too large' } as const
