import type { Column } from '../../../admin/output/printer.ts'
import { MailTaskError } from '../../../admin/commands/mail/mail-admin.ts'
import { textFromBytes } from '../../../acl/byte-text.ts'
import { CrlfWriter } from '../../../storage/message/crlf.ts'
import { systemFlagNames } from '../../../storage/flags.ts'
import type { MessageSummary } from '../../../storage/message/message-summary.ts'
import type { Mailbox, MessageRecord } from '../../../storage/store.ts'
import { bodySection, headerValues, sectionPath } from './message-sections.ts'
import { readableText } from './readable-text.ts'

/** A message whose fields are shown. */
export interface FetchedMessage {
  readonly user: string
  readonly name: string
  readonly mailbox: Mailbox
  readonly sequence: number
  readonly message: MessageRecord
  readonly receivedMs: number | undefined
  readonly savedMs: number | undefined
  readonly summary: MessageSummary | undefined
  /** As it is stored; empty unless a field needs it. */
  readonly bytes: Buffer
}

export interface FetchField {
  readonly column: Column
  readonly needs?: 'bytes' | 'summary' | 'received' | 'saved'
  /** `undefined`: the message does not say. */
  text(message: FetchedMessage): string | undefined
}

type FieldRow = readonly [name: string, needs: FetchField['needs'] | 'text', text: FetchField['text']]

/** In the order Dovecot lists them. */
const ROWS: readonly FieldRow[] = [
  ['user', undefined, ({ user }) => user],
  ['mailbox', undefined, ({ name }) => name],
  ['mailbox-guid', undefined, ({ mailbox }) => mailbox.guid],
  ['seq', undefined, ({ sequence }) => String(sequence)],
  ['uid', undefined, ({ message }) => String(message.uid)],
  ['guid', undefined, ({ mailbox, message }) => mailbox.identity(message.uid)?.guid],
  ['flags', undefined, flagsText],
  ['modseq', undefined, ({ message }) => String(message.modSeq)],
  ['hdr', 'text', (message) => textFromBytes(bodySection(message, 'HEADER'))],
  ['body', 'text', (message) => textFromBytes(bodySection(message, 'TEXT'))],
  ['text', 'text', ({ bytes }) => textFromBytes(bytes)],
  ['text.utf8', 'text', ({ bytes }) => readableText(bytes)],
  ['size.physical', 'summary', ({ summary }) => summary && String(summary.sizePhysical)],
  ['size.virtual', 'summary', ({ summary }) => summary && String(summary.sizeVirtual)],
  ['date.received', 'received', ({ receivedMs }) => (receivedMs === undefined ? undefined : localTime(receivedMs))],
  ['date.sent', 'summary', ({ summary }) => sentTime(summary)],
  ['date.saved', 'saved', ({ savedMs }) => (savedMs === undefined ? undefined : localTime(savedMs))],
  ['date.received.unixtime', 'received', ({ receivedMs }) => seconds(receivedMs)],
  ['date.sent.unixtime', 'summary', ({ summary }) => summary && String(summary.dateSent?.seconds ?? 0)],
  ['date.saved.unixtime', 'saved', ({ savedMs }) => seconds(savedMs)],
  ['imap.envelope', 'summary', ({ summary }) => summary && inside(summary.envelope)],
  ['imap.body', 'summary', ({ summary }) => summary && inside(summary.body)],
  ['imap.bodystructure', 'summary', ({ summary }) => summary && inside(summary.bodyStructure)],
  ['pop3.uidl', undefined, ({ mailbox, message }) => mailbox.identity(message.uid)?.pop3Uidl],
  ['pop3.order', undefined, () => undefined],
  ['refcount', undefined, () => '1'],
  ['storageid', undefined, ({ mailbox, message }) => mailbox.identity(message.uid)?.fileName],
]

const KNOWN: ReadonlyMap<string, FieldRow> = new Map(ROWS.map((row) => [row[0], row]))

/** The fields of `fetch`, as written with blanks between. Throws MailTaskError. */
export function fetchFields(text: string): readonly FetchField[] {
  return text
    .split(/\s+/)
    .filter((name) => name !== '')
    .map(fieldNamed)
}

function fieldNamed(name: string): FetchField {
  const lower = name.toLowerCase()
  const row = KNOWN.get(lower)
  if (row !== undefined) return fieldOf(row)
  if (lower.startsWith('hdr.')) return headerField(name)
  const section = /^(body|binary)\.(.+)$/.exec(lower)
  if (section?.[2] !== undefined && sectionPath(section[2]) !== undefined)
    return sectionField(lower, section[1] === 'binary', section[2])
  const known = ['hdr.<name>', 'body.<section>', 'binary.<section>', ...KNOWN.keys()].join(' ')
  throw new MailTaskError(`Unknown fetch field: ${name} (there are: ${known})`, 75)
}

const BLOCK = { text: 'block' } as const

function fieldOf([name, needs, text]: FieldRow): FetchField {
  const column = { key: name, title: name, ...(needs === 'text' ? BLOCK : undefined) }
  if (needs === undefined) return { column, text }
  return { column, needs: needs === 'text' ? 'bytes' : needs, text }
}

/** `hdr.subject`: the field as it is; with `.utf8` as it is meant. */
function headerField(name: string): FetchField {
  const [, field = '', utf8] = /^hdr\.(.*?)(\.utf8)?$/i.exec(name) ?? []
  return {
    column: { key: name, title: name, text: 'inline' },
    needs: 'bytes',
    text: ({ bytes }) => headerValues(bytes, field, utf8 !== undefined),
  }
}

function sectionField(name: string, decoded: boolean, section: string): FetchField {
  return {
    column: { key: name, title: name, ...BLOCK },
    needs: 'bytes',
    text: (message) => textFromBytes(new CrlfWriter().convert(bodySection(message, section.toUpperCase(), decoded))),
  }
}

function flagsText({ mailbox, message }: FetchedMessage): string {
  const { bits, keywords } = message.flags
  const recent = mailbox.isRecent(message.uid) ? ['\\Recent'] : []
  return [...systemFlagNames(bits), ...recent, ...keywords].join(' ')
}

/** Without the parentheses around it. */
function inside(text: string): string {
  return textFromBytes(Buffer.from(text.slice(1, -1), 'latin1'))
}

function seconds(ms: number | undefined): string | undefined {
  return ms === undefined ? undefined : String(Math.floor(ms / 1000))
}

/** `2026-11-22 06:11:20` on this machine's clock. */
function localTime(ms: number): string {
  const local = new Date(ms - new Date(ms).getTimezoneOffset() * 60_000)
  return local.toISOString().slice(0, 19).replace('T', ' ')
}

/** `2026-11-22 01:00:00 (+0100)`: the time on this machine's clock, the zone as the sender named it. */
function sentTime(summary: MessageSummary | undefined): string | undefined {
  if (summary === undefined) return undefined
  const { seconds: sent, offsetMinutes } = summary.dateSent ?? { seconds: 0, offsetMinutes: 0 }
  const offset = Math.abs(offsetMinutes)
  const zone = `${offsetMinutes < 0 ? '-' : '+'}${two(Math.floor(offset / 60))}${two(offset % 60)}`
  return `${localTime(sent * 1000)} (${zone})`
}

function two(value: number): string {
  return String(value).padStart(2, '0')
}
