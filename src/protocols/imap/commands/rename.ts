import { command } from '../server/command.ts'
import { mailboxName } from '../server/mailbox-argument.ts'

/** RENAME. RFC 3501 §6.3.5. */
export const rename = command<{ readonly from: string; readonly to: string }>({
  name: 'RENAME',
  needs: 'authenticated',
  notFound: 'NONEXISTENT',
  parse(args) {
    args.expectCount(2)
    return { from: args.expectAstring(), to: args.expectAstring() }
  },
  async run(session, { from, to }) {
    const source = mailboxName(session, from)
    await session.store.rename(source, mailboxName(session, to))
    return { text: 'OK Rename completed' }
  },
})
