import type { Argument } from '../wire/argument-reader.ts'
import { command, type Reply } from '../server/command.ts'
import { countDeleted } from '../server/expunging.ts'
import { messageNumbers, parseMessageSet, uidsOf } from '../server/message-set.ts'
import type { ImapSession } from '../server/session.ts'

/** EXPUNGE, and UID EXPUNGE for some. RFC 3501 §6.4.3, RFC 4315 §2.1. */
export const expunge = command<Argument | undefined>({
  name: 'EXPUNGE',
  needs: 'selected',
  uid: 'also',
  parse(args, { uid }) {
    if (uid) args.expectCount(1)
    return uid ? args.next() : undefined
  },
  async run(session, set, { uid }) {
    const { mailbox, selected } = session
    const uids = uid ? uidsOf(mailbox, messageNumbers(mailbox, parseMessageSet(set, true), true)) : undefined
    if (selected?.examined === true || mailbox.readOnly) return { text: 'NO [READ-ONLY] Mailbox is read-only' }
    const before = countDeleted(mailbox)
    await mailbox.expunge(uids)
    session.counts.expunged += before - countDeleted(mailbox)
    return reply(session, before)
  },
})

/** RFC 7162 §3.2.8: with QRESYNC the client learns how far it knows everything now. */
function reply(session: ImapSession, deleted: number): Reply {
  const sync = { expunge: true }
  if (!session.qresync || deleted === 0) return { text: 'OK Expunge completed', sync }
  return { text: 'OK Expunge completed', sync, closing: () => `[HIGHESTMODSEQ ${session.mailbox.highestModSeq}] ` }
}
