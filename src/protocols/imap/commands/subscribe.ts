import { encodeText } from '../../wire-text.ts'
import { No } from '../server/bad-command.ts'
import type { ImapSession } from '../server/session.ts'
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
    parse: (args) => args.expectOne(),
    async run(session, bytes) {
      const name = mailboxName(session, bytes)
      if (subscribed) await expectMailbox(session, name)
      await session.store.subscribe(name, subscribed)
      return { text: `OK ${subscribed ? 'Subscribe' : 'Unsubscribe'} completed` }
    },
  })
}

/** What is not there is not subscribed to, as in Dovecot. RFC 3501 §6.3.6 allows to look. */
async function expectMailbox({ store }: ImapSession, name: string): Promise<void> {
  const entries = await store.list([name])
  if (!entries.some((entry) => entry.name === name && entry.existing))
    throw new No(`Mailbox doesn't exist: ${encodeText(name)}`)
}
