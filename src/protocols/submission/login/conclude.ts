import { assertNever } from '../../../util/assert-never.ts'
import type { LoginEnd, LoginVerdict } from '../../protocol.ts'
import { verdictReply } from '../status.ts'
import type { LoginDialogue } from './dialogue.ts'

/** Tells the client how its login went. What it pipelined behind the command stays unread, for whoever is next. */
export function concludeAttempt(dialogue: LoginDialogue, verdict: LoginVerdict): LoginEnd | undefined {
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
      const end = dialogue.reply(reply)
      // The backend ended the session, and with 421 so do we.
      const [first = ''] = reply.lines
      return first.startsWith('421') ? { kind: 'closed', reason: `Server closed the connection: ${first}` } : end
    }
    default:
      return assertNever(verdict)
  }
}
