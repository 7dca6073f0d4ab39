import { CrlfWriter, SENT_TEXT_BYTES, sentText, type Window } from '../../../../storage/message/crlf.ts'
import { locateSection, selectFields, type SectionSpan } from '../../../../storage/message/section.ts'
import { READ_CHUNK_BYTES } from '../../../../storage/store.ts'
import type { ImapSession } from '../../server/session.ts'
import { Turn } from '../../server/turn.ts'
import type { Section } from '../../wire/section.ts'
import { headerEnd } from './header-end.ts'
import type { OpenMessage } from './open-message.ts'

/** Says `BODY[1] {10}` and the bytes, at once when they are in memory; a section that is not there has none. */
export function saySection(
  session: ImapSession,
  message: OpenMessage,
  label: string,
  section: Section,
): void | Promise<void> {
  count(session, section)
  const { whole } = message
  if (whole === undefined || section.path.length > 0) return sayLocated(session, message, label, section)
  sayWhole(session, whole, label, section, spanOf(whole, section))
}

async function sayLocated(session: ImapSession, message: OpenMessage, label: string, section: Section): Promise<void> {
  const span = await locate(message, section)
  if (span === undefined) return sayBytes(session, label, section, EMPTY)
  if (message.whole !== undefined) return sayWhole(session, message.whole, label, section, span)
  if (span.kind === 'bytes') return await sayLong(session, message, label, section, span)
  sayFields(session, await readAll(message, span.start, span.physical), label, section, span)
}

/** The message's bytes may lie in a scratch: what is said of them is copied. */
function sayWhole(session: ImapSession, whole: Buffer, label: string, section: Section, span: SectionSpan): void {
  const stored = whole.subarray(span.start, span.start + span.physical)
  if (span.kind === 'fields') return sayFields(session, stored, label, section, span)
  if (section.window !== undefined || stored.length > SENT_TEXT_BYTES)
    return sayBytes(session, label, section, Buffer.from(new CrlfWriter(section.window).convert(stored)))
  const text = sentText(stored)
  session.out.text(`${label} {${text.length}}\r\n`)
  session.out.copied(text)
  countBytes(session, section, text.length)
}

function sayFields(
  session: ImapSession,
  header: Buffer,
  label: string,
  section: Section,
  span: Extract<SectionSpan, { kind: 'fields' }>,
): void {
  sayBytes(session, label, section, cut(selectFields(header, span), section.window))
}

/** A message that is in memory need not be parsed to find its header and its body. */
function spanOf(whole: Buffer, { of }: Section): SectionSpan {
  const end = of === 'all' ? 0 : headerEnd(whole)
  // Sizes as sent are only needed for what is not in memory.
  const bytes = (start: number, to: number): SectionSpan => ({ kind: 'bytes', start, physical: to - start, virtual: 0 })
  if (typeof of === 'object') return { kind: 'fields', start: 0, physical: end, ...of }
  if (of === 'text') return bytes(end, whole.length)
  return bytes(0, of === 'all' ? whole.length : end)
}

async function locate(message: OpenMessage, section: Section): Promise<SectionSpan | undefined> {
  const { root } = await message.summary()
  return locateSection(root, section)
}

function sayBytes(session: ImapSession, label: string, section: Section, bytes: Buffer): void {
  session.out.text(`${label} {${bytes.length}}\r\n`)
  session.out.bytes(bytes)
  countBytes(session, section, bytes.length)
}

function countBytes({ counts }: ImapSession, section: Section, sizeBytes: number): void {
  if (isHeader(section)) counts.fetchHeaderBytes += sizeBytes
  else counts.fetchBodyBytes += sizeBytes
}

/** What does not fit one read goes out as it is read. */
async function sayLong(
  session: ImapSession,
  { stored }: OpenMessage,
  label: string,
  section: Section,
  span: Extract<SectionSpan, { kind: 'bytes' }>,
): Promise<void> {
  const { out, counts } = session
  const offset = section.window?.offset ?? 0
  const size = Math.max(0, Math.min(section.window?.size ?? Number.POSITIVE_INFINITY, span.virtual - offset))
  const writer = new CrlfWriter({ offset, size })
  const turn = new Turn()
  out.text(`${label} {${size}}\r\n`)
  counts.fetchBodyBytes += size
  let left = size
  const end = span.start + span.physical
  for (let from = span.start; from < end && !writer.done; from += CHUNK_BYTES) {
    const bytes = writer.convert(await stored.read(from, Math.min(from + CHUNK_BYTES, end)))
    left -= bytes.length
    out.bytes(bytes)
    await out.drained()
    if (turn.overNow) await turn.next()
    session.checkAlive()
  }
  // The literal was announced: a message that became shorter is filled up, as Dovecot does.
  for (; left > 0; left -= CHUNK_BYTES) {
    out.bytes(Buffer.alloc(Math.min(left, CHUNK_BYTES), ' '))
    await out.drained()
  }
}

async function readAll({ stored }: OpenMessage, start: number, length: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  for (let from = start; from < start + length; from += READ_CHUNK_BYTES) {
    chunks.push(await stored.read(from, Math.min(from + READ_CHUNK_BYTES, start + length)))
  }
  return Buffer.concat(chunks)
}

function cut(bytes: Buffer, window: Window | undefined): Buffer {
  if (window === undefined) return bytes
  return bytes.subarray(Math.min(window.offset, bytes.length), Math.min(window.offset + window.size, bytes.length))
}

/** The logout line's `hdr_count` and `body_count`. */
function count({ counts }: ImapSession, section: Section): void {
  if (isHeader(section)) counts.fetchHeaderCount++
  else counts.fetchBodyCount++
}

function isHeader({ path, of }: Section): boolean {
  return path.length === 0 && (of === 'header' || typeof of === 'object')
}

/** Small enough that others have their turn, and a client that does not read costs little. */
const CHUNK_BYTES = 256 * 1024
const EMPTY = Buffer.alloc(0)
