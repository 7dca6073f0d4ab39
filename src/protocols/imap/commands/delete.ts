import { No } from '../server/bad-command.ts'
import { command } from '../server/command.ts'
import { closeSelected } from '../server/close-selected.ts'
import { mailboxName } from '../server/mailbox-argument.ts'

/** DELETE. RFC 3501 §6.3.4. A mailbox that is selected is left first. */
export const deleteMailbox = command<string>({
  name: 'DELETE',
  needs: 'authenticated',
  notFound: 'NONEXISTENT',
  parse: (args) => args.expectOne(),
  async run(session, bytes) {
    const name = mailboxName(session, bytes)
    if (name === 'INBOX') throw new No("INBOX can't be deleted")
    if (session.selected?.mailbox.name === name) await closeSelected(session, { say: true })
    await session.store.delete(name)
    return { text: 'OK Delete completed' }
  },
})
