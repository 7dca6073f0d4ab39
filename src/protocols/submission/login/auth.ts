import { assertNever } from '../../../util/assert-never.ts'
import { Secret } from '../../../util/secret.ts'
import type { LoginEnd, LoginVerdict } from '../../protocol.ts'
import { decodeInitialResponse, SaslLines } from '../../sasl-wire.ts'
import { ABORTED, INVALID_BASE64, INVALID_INITIAL, verdictReply } from '../status.ts'
import type { LoginDialogue } from './dialogue.ts'

/** AUTH. RFC 4954 §4. */
export async function auth(dialogue: LoginDialogue, args: string): Promise<LoginEnd | undefined> {
  const [mechanism = '', text, extra] = args.trim().split(/ +/)
  if (mechanism === '') return dialogue.say('501 5.5.4 Missing SASL mechanism parameter')
  if (extra !== undefined) return dialogue.say('501 5.5.4 Invalid parameters')
  const initial = text === undefined ? undefined : decodeInitialResponse(text)
  // An unknown or forbidden mechanism is refused as such, whatever came with it.
  if (
    text !== undefined &&
    initial === undefined &&
    dialogue.io.offeredMechanisms().includes(mechanism.toUpperCase())
  ) {
    return dialogue.reply(INVALID_INITIAL)
  }
  return await exchange(dialogue, mechanism, initial)
}

async function exchange(
  dialogue: LoginDialogue,
  mechanism: string,
  initial: Buffer | undefined,
): Promise<LoginEnd | undefined> {
  const lines = new SaslLines(dialogue.io.stream, '334 ')
  const verdict = await dialogue.io.attempt({
    mechanism,
    initial: initial === undefined ? undefined : new Secret(initial),
    challenge: async (data) => await lines.challenge(data),
    finish: async (data) => await lines.finish(data),
  })
  if (lines.fault === undefined) await explainTokenRefusal(lines, mechanism, verdict)
  switch (lines.fault) {
    case undefined:
      return conclude(dialogue, verdict)
    case 'closed':
      dialogue.io.remark("client didn't finish SASL auth")
      if (lines.lost !== undefined) throw lines.lost
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

function conclude(dialogue: LoginDialogue, verdict: LoginVerdict): LoginEnd | undefined {
  switch (verdict.kind) {
    case 'proxied':
      dialogue.reply({ lines: verdict.welcome.lines })
      return { kind: 'proxied' }
    case 'local':
      dialogue.say('235 2.7.0 Logged in.')
      return { kind: 'local', user: verdict.user }
    case 'refused':
    case 'proxy-failed':
    case 'backend-refused': {
      const reply = verdictReply(verdict, { hostname: dialogue.io.hostname, now: new Date() })
      dialogue.reply(reply)
      // The backend ended the session, and with 421 so do we.
      if (reply.lines[0]?.startsWith('421') === true) return { kind: 'closed', reason: 'Disconnected by server' }
      return undefined
    }
    default:
      return assertNever(verdict)
  }
}

/** The backend's JSON about a bad token goes to a client that sent a token itself (RFC 7628 §3.2.3). */
async function explainTokenRefusal(lines: SaslLines, mechanism: string, verdict: LoginVerdict): Promise<void> {
  if (verdict.kind !== 'backend-refused' || verdict.reply.oauthDetail === undefined) return
  if (!/^(?:XOAUTH2|OAUTHBEARER)$/i.test(mechanism)) return
  await lines.challenge(verdict.reply.oauthDetail).catch(() => undefined)
  if (lines.fault !== 'closed' && lines.fault !== 'too-large') lines.fault = undefined
}
