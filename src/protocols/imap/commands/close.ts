import { bareCommand } from '../server/command.ts'
import { closeSelected } from '../server/close-selected.ts'
import { countDeleted, expungeIfAllowed } from '../server/expunging.ts'

/** CLOSE: removes what is marked \Deleted without a word, and leaves the mailbox. RFC 3501 §6.4.2. */
export const close = bareCommand({
  name: 'CLOSE',
  needs: 'selected',
  async run(session) {
    const { mailbox, selected } = session
    let deleted = 0
    if (selected?.examined === false && !mailbox.readOnly) {
      const marked = countDeleted(mailbox)
      if (!(await expungeIfAllowed(mailbox))) {
        await closeSelected(session, { say: false })
        return { text: 'OK Closed without expunging: Permission denied' }
      }
      deleted = marked
      session.counts.expunged += deleted
    }
    const modSeq = session.qresync && deleted > 0 ? `[HIGHESTMODSEQ ${mailbox.highestModSeq}] ` : ''
    await closeSelected(session, { say: false })
    return { text: `OK ${modSeq}Close completed` }
  },
})
