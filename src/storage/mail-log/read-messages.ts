import { setImmediate } from 'node:timers/promises'
import { sizeInName } from '../formats/maildir/file-name.ts'
import { fieldBit, type KeptField, type MessageSummary } from '../message/message-summary.ts'
import { StoreRefusal } from '../refusal.ts'
import { Scratch } from '../scratch.ts'
import type { Mailbox } from '../store.ts'
import { HEADER_BYTES, HEADER_FIELDS, headerTexts, type HeaderTexts, NO_HEADER, textsOf } from './header-texts.ts'
import { type LoggedMessage, UNKNOWN_MESSAGE } from './event-line.ts'
import type { MailLogSettings } from './mail-log-settings.ts'

/** How long messages are read before others have their turn. */
const SLICE_MS = 4

/** Messages looked up in the index at once. */
const BATCH = 256

/** A command for more messages than these is logged with what is known of them: the log must not be what takes long. */
export const MAX_READ = 50_000

/** What lines shall say of these messages, from the index where it knows, else from their headers. */
export async function readMessages(
  mailbox: Mailbox,
  uids: readonly number[],
  { fields, cachedOnly }: MailLogSettings,
): Promise<ReadonlyMap<number, LoggedMessage>> {
  const messages = new Map<number, LoggedMessage>()
  const wantsHeader = HEADER_FIELDS.some(([field]) => fields.has(field))
  if (!wantsHeader && !fields.has('size') && !fields.has('vsize')) return messages
  const reads = !cachedOnly && uids.length <= MAX_READ
  const scratch = new Scratch()
  let began = performance.now()
  for (let at = 0; at < uids.length; at += BATCH) {
    const batch = uids.slice(at, at + BATCH)
    const known = new Map<number, MessageSummary>()
    if (wantsHeader) for await (const some of mailbox.summaries(batch, { known: true })) copyInto(known, some)
    for (const uid of batch) {
      messages.set(uid, await readMessage(mailbox, uid, { summary: known.get(uid), wantsHeader, reads, scratch }))
      if (performance.now() - began < SLICE_MS) continue
      await setImmediate()
      began = performance.now()
    }
    if (fields.has('vsize') && reads) await addVirtualSizes(mailbox, batch, messages)
  }
  return messages
}

function copyInto<Key, Value>(into: Map<Key, Value>, from: ReadonlyMap<Key, Value>): void {
  for (const [key, value] of from) into.set(key, value)
}

interface Reading {
  readonly summary: MessageSummary | undefined
  readonly wantsHeader: boolean
  readonly reads: boolean
  readonly scratch: Scratch
}

async function readMessage(
  mailbox: Mailbox,
  uid: number,
  { summary, wantsHeader, reads, scratch }: Reading,
): Promise<LoggedMessage> {
  const name = mailbox.identity(uid)?.fileName
  const sizeOf = (key: 'S' | 'W'): number | undefined => (name === undefined ? undefined : sizeInName(name, key))
  const sizes = {
    storedBytes: summary?.sizePhysical ?? sizeOf('S'),
    virtualBytes: summary?.sizeVirtual ?? sizeOf('W'),
  }
  const known = wantsHeader ? textsOfSummary(summary) : NO_HEADER
  if (!reads || (known !== undefined && sizes.storedBytes !== undefined)) return { texts: known ?? NO_HEADER, ...sizes }
  const read = await readHeader(mailbox, uid, scratch)
  return { ...sizes, storedBytes: sizes.storedBytes ?? read.storedBytes, texts: known ?? read.texts }
}

/** `undefined` when it does not say. */
function textsOfSummary(summary: MessageSummary | undefined): HeaderTexts | undefined {
  if (summary === undefined) return undefined
  const isUnknown = (name: KeptField): boolean =>
    summary.field(name) === undefined && (summary.partialFields & fieldBit(name)) !== 0
  return HEADER_FIELDS.some(([, name]) => isUnknown(name)) ? undefined : textsOf((name) => summary.field(name))
}

async function readHeader(
  mailbox: Mailbox,
  uid: number,
  scratch: Scratch,
): Promise<Pick<LoggedMessage, 'texts' | 'storedBytes'>> {
  try {
    const message = await mailbox.openMessage(uid, scratch)
    try {
      const header = await message.read(0, Math.min(message.sizeBytes, HEADER_BYTES))
      return { texts: headerTexts(header), storedBytes: message.sizeBytes }
    } finally {
      message.close()
    }
  } catch (error) {
    if (error instanceof StoreRefusal) return UNKNOWN_MESSAGE
    throw error
  }
}

async function addVirtualSizes(
  mailbox: Mailbox,
  uids: readonly number[],
  messages: Map<number, LoggedMessage>,
): Promise<void> {
  const unknown = uids.filter((uid) => messages.get(uid)?.virtualBytes === undefined)
  if (unknown.length === 0) return
  for (const [uid, virtualBytes] of await mailbox.sizes(unknown))
    messages.set(uid, { ...(messages.get(uid) ?? UNKNOWN_MESSAGE), virtualBytes })
}
