import { splitCommand } from '../../converse.ts'
import type { LoginEnd } from '../../protocol.ts'
import { runSaslExchange } from '../../sasl-exchange.ts'
import { SaslLines } from '../../sasl-wire.ts'
import { faultReply } from '../status.ts'
import { concludeAttempt } from './conclude.ts'
import type { LoginDialogue } from './dialogue.ts'

/** AUTH: lists mechanisms, or logs in with one. RFC 5034 §4. */
export async function auth(dialogue: LoginDialogue, line: string): Promise<LoginEnd | undefined> {
  const { io } = dialogue
  if (line === '') return dialogue.say(['+OK', ...io.offeredMechanisms(), '.'].join('\r\n'))
  const { name: mechanism, args } = splitCommand(line)
  const request = { mechanism, initial: args === '' ? undefined : args }
  const outcome = await runSaslExchange(io, new SaslLines(io.stream, '+ '), request)
  switch (outcome.kind) {
    case 'verdict':
      return concludeAttempt(dialogue, 'AUTH', outcome.verdict)
    case 'fault':
      return dialogue.reply(faultReply(outcome.fault))
    case 'closed':
      return outcome
  }
}
