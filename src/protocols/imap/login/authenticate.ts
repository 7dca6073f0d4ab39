import { runSaslExchange } from '../../sasl-exchange.ts'
import { SaslLines } from '../../sasl-wire.ts'
import { faultReply } from '../status.ts'
import type { RawCommand } from './command.ts'
import { concludeAttempt } from './conclude.ts'

/** AUTHENTICATE. RFC 3501 §6.2.2, with an initial response as in RFC 4959. */
export const authenticate: RawCommand = {
  kind: 'raw',
  async run(dialogue, tag, rest) {
    const space = rest.indexOf(' ')
    const mechanism = space < 0 ? rest : rest.slice(0, space)
    if (mechanism === '') return 'bad'
    const initial = space < 0 ? '' : rest.slice(space + 1)
    const messages = new SaslLines(dialogue.io.stream, '+ ')
    const request = { mechanism, initial: initial === '' ? undefined : initial, tag }
    const outcome = await runSaslExchange(dialogue.io, messages, request)
    switch (outcome.kind) {
      case 'verdict':
        return concludeAttempt(dialogue, tag, 'AUTHENTICATE', outcome.verdict)
      case 'fault':
        return dialogue.reply(tag, faultReply(outcome.fault))
      case 'closed':
        return outcome
    }
  },
}
