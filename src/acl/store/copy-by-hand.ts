// Copies messages into a mailbox that may not take all of their flags: read here, appended there, all or none.
import { type CopiedUids, type Mailbox, type MailStore, READ_CHUNK_BYTES } from '../../storage/store.ts'
import { AclAppending } from './acl-appending.ts'
import type { FlagRights } from './flag-rights.ts'

/** All or none, as by COPY: refuses when one is gone. */
export async function copyByHand(
  from: Mailbox,
  uids: readonly number[],
  target: { readonly store: MailStore; readonly name: string; readonly flags: FlagRights },
): Promise<CopiedUids> {
  const appending = new AclAppending(await target.store.beginAppend(target.name), {
    flags: target.flags,
    tellsUids: true,
  })
  try {
    const dates = await from.internalDates(uids)
    const source: number[] = []
    for (const uid of uids) if (await copyOne(from, uid, dates.get(uid), appending)) source.push(uid)
    if (source.length === 0) {
      await appending.abort()
      return { uidValidity: from.uidValidity, source: [], target: [] }
    }
    const { uidValidity, uids: copied } = await appending.commit()
    return { uidValidity, source, target: copied }
  } catch (error) {
    await appending.abort()
    throw error
  }
}

async function copyOne(
  from: Mailbox,
  uid: number,
  internalDateMs: number | undefined,
  to: AclAppending,
): Promise<boolean> {
  const sequence = from.sequenceOf(uid)
  if (sequence === 0) return false
  const { flags } = from.message(sequence)
  const message = await from.openMessage(uid)
  try {
    const facts = { bits: flags.bits, keywords: flags.keywords, sizeBytes: message.sizeBytes }
    await to.begin(internalDateMs === undefined ? facts : { ...facts, internalDateMs })
    for (let at = 0; at < message.sizeBytes; at += READ_CHUNK_BYTES) {
      await to.write(await message.read(at, Math.min(at + READ_CHUNK_BYTES, message.sizeBytes)))
    }
    await to.end()
    return true
  } finally {
    message.close()
  }
}
