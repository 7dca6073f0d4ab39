import { assertNever } from '../../../util/assert-never.ts'
import type { LoginEnd, LoginVerdict } from '../../protocol.ts'
import { LOGGED_IN } from '../server/logged-in.ts'
import { verdictReply, type ReplyContext } from '../status.ts'
import type { LoginDialogue } from './dialogue.ts'

/** Tells the client how its login went. What it pipelined behind the command stays unread, for whoever is next. */
export function concludeAttempt(
  dialogue: LoginDialogue,
  command: ReplyContext['command'],
  verdict: LoginVerdict,
): LoginEnd | undefined {
  switch (verdict.kind) {
    case 'proxied':
      dialogue.say(verdict.welcome.lines[0] ?? '+OK Logged in.')
      return { kind: 'proxied' }
    case 'local':
      if (verdict.session?.answered !== true) dialogue.io.stream.write(LOGGED_IN)
      return { kind: 'local', user: verdict.user }
    case 'refused':
    case 'proxy-failed':
    case 'backend-refused':
      dialogue.reply(verdictReply(verdict, { command, hostname: dialogue.io.hostname, now: new Date() }))
      // Dovecot closes the connection of a user who has too many.
      if (verdict.kind === 'refused' && verdict.why.kind === 'too-many-connections')
        return { kind: 'closed', reason: 'Too many connections' }
      return undefined
    default:
      return assertNever(verdict)
  }
}
