import { assertNever } from '../../../util/assert-never.ts'
import type { BackendWelcome, LoginVerdict } from '../../protocol.ts'
import { staticCapability } from '../capability.ts'
import { verdictReply } from '../status.ts'
import type { ReplyContext } from '../status.ts'
import type { CommandOutcome } from './command.ts'
import type { LoginDialogue } from './dialogue.ts'

/** Tells the client how its login went. What it pipelined behind the command stays unread, for whoever is next. */
export function concludeAttempt(
  dialogue: LoginDialogue,
  tag: string,
  command: ReplyContext['command'],
  verdict: LoginVerdict,
): CommandOutcome {
  switch (verdict.kind) {
    case 'proxied':
      dialogue.io.stream.write(welcomeText(tag, verdict.welcome))
      return { kind: 'proxied' }
    case 'local':
      if (verdict.session?.answered !== true) dialogue.io.stream.write(okText(dialogue, tag))
      return { kind: 'local', user: verdict.user }
    case 'refused':
    case 'proxy-failed':
    case 'backend-refused': {
      const context = { command, hostname: dialogue.io.hostname, now: () => new Date() }
      dialogue.reply(tag, verdictReply(verdict, context))
      return isFinal(verdict) ? { kind: 'closed', reason: 'Too many connections' } : undefined
    }
    default:
      return assertNever(verdict)
  }
}

/** Where nobody serves the mail who could say more. */
function okText({ io }: LoginDialogue, tag: string): string {
  return `${tag} OK [CAPABILITY ${staticCapability(io.settings)}] Logged in\r\n`
}

function welcomeText(tag: string, { untagged, lines }: BackendWelcome): string {
  const before = untagged.length === 0 ? '' : `${untagged.join('\r\n')}\r\n`
  return `${before}${tag} ${lines[0] ?? 'OK Logged in'}\r\n`
}

/** Dovecot closes the connection of a user who has too many. */
function isFinal(verdict: LoginVerdict): boolean {
  return verdict.kind === 'refused' && verdict.why.kind === 'too-many-connections'
}
