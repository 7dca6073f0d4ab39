import { SEEN } from '../flags.ts'
import type { FormatAppending, FormatRecord } from '../formats/format.ts'
import type { PrivateSeen } from '../private-seen/private-seen.ts'
import type { QuotaAmount, QuotaHook } from '../quota-hook.ts'
import { StoreRefusal } from '../refusal.ts'
import { type CopiedUids, READ_CHUNK_BYTES } from '../store.ts'
import { readSizes } from './read-summaries.ts'
import type { SharedMailbox } from './shared-mailbox.ts'
import type { OpenTarget } from './store-appending.ts'

/** `seen`: \Seen is the user's own there, whatever the files say. */
export interface CopySource {
  readonly shared: SharedMailbox
  readonly seen: PrivateSeen | undefined
}

export interface CopyTarget extends Pick<OpenTarget, 'change' | 'format' | 'release'> {
  readonly name: string
  readonly seen: PrivateSeen | undefined
}

/** Puts messages into another mailbox, all or none; lets go of that mailbox at the end. Refuses when one is gone. */
export async function copyMessages(
  from: CopySource,
  records: readonly FormatRecord[],
  target: CopyTarget,
  quota: QuotaHook | undefined,
  movedFrom?: string,
): Promise<CopiedUids> {
  const { name } = target
  let outcome: 'fine' | 'trouble' = 'trouble'
  try {
    const added = quota && (await askQuota(from.shared, records, quota, name, movedFrom))
    const appending = await target.format.beginAppend()
    try {
      const copied = await copyAll(from, records, { appending, keepsSeen: target.seen === undefined })
      await appending.settle?.()
      const { uidValidity, uids } = await target.change(() => appending.commit(), {
        marked: copied.some(({ marked }) => marked),
      })
      if (added) await quota?.changed(name, added)
      const source = copied.map(({ uid }) => uid)
      const seen = uids.filter((_, at) => copied[at]?.isSeen)
      await target.seen?.mark(seen, true)
      outcome = 'fine'
      return { uidValidity, source, target: uids }
    } catch (error) {
      await appending.abort()
      throw error
    }
  } finally {
    target.release(outcome)
  }
}

async function askQuota(
  from: SharedMailbox,
  records: readonly FormatRecord[],
  quota: QuotaHook,
  name: string,
  movedFrom: string | undefined,
): Promise<QuotaAmount> {
  const added = await amountOf(from, records, quota)
  await quota.check(name, added, movedFrom)
  return added
}

/** How much messages count for. */
export async function amountOf(
  shared: SharedMailbox,
  records: readonly FormatRecord[],
  { countsStored = false }: Pick<QuotaHook, 'countsStored'>,
): Promise<QuotaAmount> {
  let sizeBytes = 0
  for (const size of (await readSizes(shared, records)).values()) sizeBytes += size
  const amount = { messages: records.length, sizeBytes }
  return countsStored ? { ...amount, storedBytes: await storedBytesOf(shared, records) } : amount
}

/** How much a mailbox holds; `undefined` when it cannot be read. */
export async function amountIn(
  hold: () => Promise<{ readonly shared: SharedMailbox; readonly release: () => void }>,
  quota: QuotaHook,
): Promise<QuotaAmount | undefined> {
  try {
    const { shared, release } = await hold()
    try {
      await shared.look('now')
      return await amountOf(shared, shared.current.records, quota)
    } finally {
      release()
    }
  } catch (error) {
    if (error instanceof StoreRefusal) return undefined
    throw error
  }
}

/** The same, less. */
export function removed({ messages, sizeBytes, storedBytes }: QuotaAmount): QuotaAmount {
  const amount = { messages: -messages, sizeBytes: -sizeBytes }
  return storedBytes === undefined ? amount : { ...amount, storedBytes: -storedBytes }
}

async function storedBytesOf({ format }: SharedMailbox, records: readonly FormatRecord[]): Promise<number> {
  let sum = 0
  for (const record of records) sum += format.storedSizeOf?.(record) ?? (await sizeOnDisk(format, record))
  return sum
}

async function sizeOnDisk(format: SharedMailbox['format'], record: FormatRecord): Promise<number> {
  let sizeBytes = 0
  await unlessExpunged(async () => {
    const message = await format.openMessage(record)
    sizeBytes = message.sizeBytes
    message.close()
  })
  return sizeBytes
}

interface Copied {
  readonly uid: number
  /** It has flags. */
  readonly marked: boolean
  readonly isSeen: boolean
}

interface CopyWay {
  readonly appending: FormatAppending
  /** \Seen goes with the message. */
  readonly keepsSeen: boolean
}

/** What Dovecot says of it. RFC 5530 §3, EXPUNGEISSUED. */
export function refusalOfGone(): StoreRefusal {
  return new StoreRefusal('expunged', 'Some of the requested messages no longer exist')
}

async function copyAll(
  { shared, seen }: CopySource,
  records: readonly FormatRecord[],
  way: CopyWay,
): Promise<readonly Copied[]> {
  const copied: Copied[] = []
  for (const record of records) {
    const { bits } = seen?.flagsOf(record) ?? record.flags
    if (!(await unlessExpunged(() => copyOne(shared, record, bits, way)))) throw refusalOfGone()
    const marked = bits !== 0 || record.flags.keywords.length > 0
    copied.push({ uid: record.uid, marked, isSeen: (bits & SEEN) !== 0 })
  }
  return copied
}

async function copyOne(
  { format }: SharedMailbox,
  record: FormatRecord,
  shown: number,
  { appending, keepsSeen }: CopyWay,
): Promise<void> {
  const { keywords } = record.flags
  const bits = keepsSeen ? shown : shown & ~SEEN
  if (await appending.link(format, record, { bits, keywords })) return
  const internalDateMs = await format.internalDate(record)
  const message = await format.openMessage(record)
  try {
    const { sizeBytes } = message
    await appending.begin({ bits, keywords, internalDateMs, sizeBytes })
    for (let at = 0; at < sizeBytes; at += READ_CHUNK_BYTES) {
      await appending.write(await message.read(at, Math.min(at + READ_CHUNK_BYTES, sizeBytes)))
    }
    await appending.end()
  } finally {
    message.close()
  }
}

/** False when the message went away before anything of it was copied. */
async function unlessExpunged(work: () => Promise<void>): Promise<boolean> {
  try {
    await work()
    return true
  } catch (error) {
    if (error instanceof StoreRefusal && error.code === 'expunged') return false
    throw error
  }
}
