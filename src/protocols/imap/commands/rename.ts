import { No } from '../server/bad-command.ts'
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
    const target = mailboxName(session, to)
    if (
      session.store.namespaces.some(({ separator }) => target.startsWith(`${source}${separator}`)) &&
      source !== 'INBOX'
    ) {
      throw new No("Can't rename mailbox under its own child")
    }
    await session.store.rename(source, target)
    return { text: 'OK Rename completed' }
  },
})
