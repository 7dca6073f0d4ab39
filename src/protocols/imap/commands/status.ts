import type { Argument } from '../wire/argument-reader.ts'
import { BadCommand } from '../server/bad-command.ts'
import { command } from '../server/command.ts'
import { enableCondstore } from '../server/condstore.ts'
import { mailboxName, mailboxText } from '../server/mailbox-argument.ts'
import { parseStatusItems, statusText } from '../server/status-items.ts'

/** STATUS. RFC 3501 §6.3.10. */
export const status = command<{ readonly name: string; readonly items: readonly Argument[] }>({
  name: 'STATUS',
  needs: 'authenticated',
  parse(args) {
    args.expectCount(2)
    const name = args.expectAstring()
    const items = args.list()
    if (items === undefined) throw new BadCommand('Status items must be a list.')
    return { name, items }
  },
  async run(session, args) {
    const items = parseStatusItems(args.items)
    const name = mailboxName(session, args.name)
    if (items.has('HIGHESTMODSEQ')) enableCondstore(session)
    const found = await session.store.status(name)
    session.out.text(`* STATUS ${mailboxText(name)} ${statusText(found, items)}\r\n`)
    return { text: 'OK Status completed', sync: { expunge: true } }
  },
})
