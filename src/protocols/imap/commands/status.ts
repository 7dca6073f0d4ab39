import type { MailboxStatus } from '../../../storage/store.ts'
import type { ImapSession } from '../server/session.ts'
import type { Argument } from '../wire/argument-reader.ts'
import { BadCommand } from '../server/bad-command.ts'
import { command } from '../server/command.ts'
import { enableCondstore } from '../server/condstore.ts'
import { astringText, mailboxName } from '../server/mailbox-argument.ts'
import { askStatus } from '../server/remote/asking.ts'
import { parseStatusItems, statusText } from '../server/status-items.ts'

/** STATUS. RFC 3501 §6.3.10. */
export const status = command<{ readonly name: string; readonly items: readonly Argument[] }>({
  name: 'STATUS',
  needs: 'authenticated',
  parse(args) {
    args.expectCount(2)
    const name = args.expectAstring()
    const items = args.list()
    if (items === undefined) throw new BadCommand('Invalid arguments')
    return { name, items }
  },
  async run(session, args) {
    const items = parseStatusItems(args.items)
    const name = mailboxName(session, args.name)
    if (items.has('HIGHESTMODSEQ')) enableCondstore(session)
    const elsewhere = await session.remote?.find(name)
    if (session.remote !== undefined && elsewhere !== undefined) {
      session.out.text(`* STATUS ${astringText(args.name)} ${await askStatus(session.remote, elsewhere, items)}\r\n`)
      return { text: 'OK Status completed', sync: { expunge: true } }
    }
    const found = await session.store.status(name)
    const own = session.selected?.mailbox.name === name
    session.out.text(
      `* STATUS ${astringText(args.name)} ${statusText(own ? withRecent(found, session) : found, items)}\r\n`,
    )
    // RFC 3501 §6.3.10 asks clients not to; what they get may be newer than what they know.
    return {
      text: own ? 'OK [CLIENTBUG] Status on selected mailbox completed' : 'OK Status completed',
      sync: { expunge: true },
    }
  },
})

/** \Recent of the own mailbox is what this session was told. */
function withRecent(status: MailboxStatus, { mailbox }: ImapSession): MailboxStatus {
  return { ...status, recent: mailbox.recent }
}
