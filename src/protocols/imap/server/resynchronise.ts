import type { Known } from '../commands/select.ts'
import { flagsOf } from './flag-text.ts'
import { STAR, writeRanges, type SequenceSet } from '../wire/sequence-set.ts'
import type { ImapSession } from './session.ts'
import { Turn } from './turn.ts'
import { vanishedRanges } from './vanished.ts'

/** What happened since the client last looked: VANISHED (EARLIER), then FETCH of what changed. RFC 7162 §3.2.5. */
export async function sayMissedChanges(session: ImapSession, known: Known): Promise<void> {
  const { out, mailbox } = session
  const set: SequenceSet = known.uids ?? [[1, STAR]]
  const gone = await vanishedRanges(mailbox, set, known.modSeq, agreedUid(session, known))
  if (gone.length > 0) out.text(`* VANISHED (EARLIER) ${writeRanges(gone)}\r\n`)
  const turn = new Turn()
  for (const [first, last] of set) {
    for (let number = mailbox.sequenceFrom(first); number <= mailbox.count; number++) {
      const message = mailbox.message(number)
      if (message.uid > last) break
      if (message.modSeq > known.modSeq) {
        out.text(
          `* ${number} FETCH (UID ${message.uid} FLAGS (${flagsOf(mailbox, message)}) MODSEQ (${message.modSeq}))\r\n`,
        )
      }
      if (out.full) await out.drained()
      if (turn.over) await turn.next()
    }
  }
}

/** Up to this UID the client's numbers are right, so nothing it knows is gone. RFC 7162 §3.2.5.2. */
function agreedUid({ mailbox }: ImapSession, { sample }: Known): number {
  let agreed = 0
  for (const [number, uid] of sample) {
    if (mailbox.sequenceOf(uid) !== number) break
    agreed = uid
  }
  return agreed
}
