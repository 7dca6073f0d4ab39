import { command, type OrdinaryCommand } from '../server/command.ts'
import { mailboxName } from '../server/mailbox-argument.ts'

/** SUBSCRIBE. RFC 3501 §6.3.6. */
export const subscribe = subscribing('SUBSCRIBE', true)
/** UNSUBSCRIBE. RFC 3501 §6.3.7. */
export const unsubscribe = subscribing('UNSUBSCRIBE', false)

function subscribing(name: string, subscribed: boolean): OrdinaryCommand {
  return command<string>({
    name,
    needs: 'authenticated',
    parse: (args) => args.expectAstring(),
    async run(session, bytes) {
      await session.store.subscribe(mailboxName(session, bytes), subscribed)
      return { text: `OK ${subscribed ? 'Subscribe' : 'Unsubscribe'} completed` }
    },
  })
}
