import { rawFields } from '../../../storage/message/header.ts'
import { StoreRefusal } from '../../../storage/refusal.ts'
import type { Mailbox } from '../../../storage/store.ts'

/** A header that is longer is looked at so far. */
const HEADER_BYTES = 256 * 1024

/** The X-UIDL headers of messages, for `pop3_reuse_xuidl`: what another server called them. Folded lines are unfolded. */
export async function xuidlsOf(mailbox: Mailbox, uids: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>()
  for (const uid of uids) {
    const value = await xuidlOf(mailbox, uid)
    if (value !== undefined) found.set(uid, value)
  }
  return found
}

/** Undefined when there is no such header, or the message is gone. */
async function xuidlOf(mailbox: Mailbox, uid: number): Promise<string | undefined> {
  try {
    const message = await mailbox.openMessage(uid)
    try {
      const header = await message.read(0, Math.min(message.sizeBytes, HEADER_BYTES))
      for (const { name, valueStart, end } of rawFields(header)) {
        if (name === 'x-uidl') return unfolded(header.toString('latin1', valueStart, end))
      }
      return undefined
    } finally {
      message.close()
    }
  } catch (error) {
    if (error instanceof StoreRefusal && error.code === 'expunged') return undefined
    throw error
  }
}

function unfolded(value: string): string {
  return value.replace(/^[ \t]+/, '').replaceAll(/[\r\n\0]+/g, '')
}
