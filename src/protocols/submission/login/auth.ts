import type { LoginEnd } from '../../protocol.ts'
import { runSaslExchange } from '../../sasl-exchange.ts'
import { SaslLines } from '../../sasl-wire.ts'
import { faultReply } from '../status.ts'
import { concludeAttempt } from './conclude.ts'
import type { LoginDialogue } from './dialogue.ts'

/** AUTH. RFC 4954 §4. */
export async function auth(dialogue: LoginDialogue, args: string): Promise<LoginEnd | undefined> {
  const { io } = dialogue
  const [mechanism = '', initial, extra] = args.split(' ')
  if (mechanism === '') return dialogue.say('501 5.5.4 Missing SASL mechanism parameter')
  if (extra !== undefined) return dialogue.say('501 5.5.4 Invalid parameters')
  const outcome = await runSaslExchange(io, new SaslLines(io.stream, '334 '), { mechanism, initial })
  switch (outcome.kind) {
    case 'verdict':
      return concludeAttempt(dialogue, outcome.verdict)
    case 'fault':
      return dialogue.reply(faultReply(outcome.fault))
    case 'closed':
      return outcome.reason === 'Connection closed' ? dialogue.closed(outcome.reason) : outcome
  }
}
