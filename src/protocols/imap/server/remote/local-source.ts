import { StoreRefusal } from '../../../../storage/refusal.ts'
import { CrlfWriter } from '../../../../storage/message/crlf.ts'
import { type Appending, type Mailbox, READ_CHUNK_BYTES, type StoredMessage } from '../../../../storage/store.ts'
import { No } from '../bad-command.ts'
import type { ImapSession } from '../session.ts'
import { COPIED_ONLY, type CopySource } from './copy-source.ts'
import type { Copying } from './copying.ts'

/** Messages of a selected mailbox that is here. */
export function localSource(session: ImapSession, { command, localUids }: Copying): CopySource {
  const { mailbox, selected } = session
  const { uids, count } = localUids()
  let dates: ReadonlyMap<number, number> | undefined
  return {
    uids,
    isShort: uids.length < count,
    async copyOne(uid, to) {
      dates ??= await mailbox.internalDates(uids)
      return await copyMessage(mailbox, uid, dates.get(uid), to)
    },
    async expectRemovable() {
      if (command === 'MOVE' && (selected?.examined === true || mailbox.readOnly)) {
        throw new No('[READ-ONLY] Mailbox is read-only')
      }
      await mailbox.remove([])
    },
    async remove() {
      try {
        await mailbox.remove(uids)
      } catch (error) {
        if (!(error instanceof StoreRefusal)) throw error
        throw new No(COPIED_ONLY)
      }
      session.counts.expunged += uids.length
    },
  }
}

async function copyMessage(
  mailbox: Mailbox,
  uid: number,
  internalDateMs: number | undefined,
  to: Appending,
): Promise<boolean> {
  const sequence = mailbox.sequenceOf(uid)
  const sizeBytes = (await mailbox.sizes([uid])).get(uid)
  const message = sizeBytes === undefined || sequence === 0 ? undefined : await openUnlessGone(mailbox, uid)
  if (message === undefined || sizeBytes === undefined) return false
  try {
    const { bits, keywords } = mailbox.message(sequence).flags
    await to.begin({ bits, keywords, sizeBytes, ...(internalDateMs === undefined ? {} : { internalDateMs }) })
    const lines = new CrlfWriter({ offset: 0, size: sizeBytes })
    for (let at = 0; at < message.sizeBytes; at += READ_CHUNK_BYTES) {
      await to.write(lines.convert(await message.read(at, Math.min(at + READ_CHUNK_BYTES, message.sizeBytes))))
    }
    await to.end()
    return true
  } finally {
    message.close()
  }
}

async function openUnlessGone(mailbox: Mailbox, uid: number): Promise<StoredMessage | undefined> {
  try {
    return await mailbox.openMessage(uid)
  } catch (error) {
    if (error instanceof StoreRefusal && error.code === 'expunged') return undefined
    throw error
  }
}
