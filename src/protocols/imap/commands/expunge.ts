import type { Argument } from '../wire/argument-reader.ts'
import { BadCommand } from '../server/bad-command.ts'
import { command } from '../server/command.ts'
import { countDeleted, expungeIfAllowed } from '../server/expunging.ts'
import { messageNumbers, parseMessageSet, uidsOf } from '../server/message-set.ts'

/** EXPUNGE, and UID EXPUNGE for some. RFC 3501 §6.4.3, RFC 4315 §2.1. */
export const expunge = command<Argument | undefined>({
  name: 'EXPUNGE',
  needs: 'selected',
  uid: 'also',
  parse(args, { uid }) {
    if (!uid) return undefined
    args.expectCount(1)
    if (args.list() !== undefined) throw new BadCommand('Invalid arguments')
    return args.next()
  },
  async run(session, set, { uid }) {
    const { mailbox, selected } = session
    const uids = uid ? uidsOf(mailbox, messageNumbers(mailbox, parseMessageSet(set, true), true)) : undefined
    // As in Dovecot: nothing can be removed, and nothing is.
    if (selected?.examined === true || mailbox.readOnly)
      return { text: 'OK Expunge completed', sync: { expunge: true } }
    const before = countDeleted(mailbox)
    if (!(await expungeIfAllowed(mailbox, uids)))
      return { text: 'OK Expunge ignored: Permission denied', sync: { expunge: true } }
    session.counts.expunged += before - countDeleted(mailbox)
    return { text: 'OK Expunge completed', sync: { expunge: true } }
  },
})
