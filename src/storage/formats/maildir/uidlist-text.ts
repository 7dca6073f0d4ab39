// The text of a `dovecot-uidlist`, version 3:
//   3 V<uidvalidity> N<next uid> G<mailbox guid> [<key><value> ...]
//   <uid> [<key><value> ...] :<base name>
// Version 1 is read, too: `1 <uidvalidity> <next uid>`, then `<uid> <base name>`; Courier writes it.

import { baseOf } from './file-name.ts'

export interface UidlistHeader {
  readonly version: number
  readonly uidValidity: number
  readonly nextUid: number
  /** 32 hexadecimal digits; `undefined` in a list that never had one. */
  readonly guid: string | undefined
  /** Fields we do not know, as written. */
  readonly extensions: string
}

export interface UidlistRecord {
  readonly uid: number
  readonly base: string
  /** `S W P O G` and what else there is, as written: key and value, fields apart by a blank. */
  readonly extensions: string
}

/** UIDs are 32 bits, and the last one means "none" to Dovecot. */
const MAX_UID = 0xffff_fffe
const GUID = /^[0-9a-f]{32}$/

/** The first line. A complaint when it makes no sense. */
export function parseHeader(line: string): UidlistHeader | { readonly complaint: string } {
  if (!/^\d /.test(line)) return { complaint: 'Corrupted header (invalid version number)' }
  const version = Number(line[0])
  const header = version === 1 ? parseVersion1(line) : version === 3 ? parseVersion3(line) : undefined
  if (header === undefined) return { complaint: `Unsupported version ${version}` }
  if ('complaint' in header) return header
  if (header.uidValidity > 0 && header.nextUid > 0) return header
  return { complaint: `Broken header (uidvalidity = ${header.uidValidity}, next_uid=${header.nextUid})` }
}

function parseVersion1(line: string): UidlistHeader {
  const [, validity, next] = line.split(' ')
  return { version: 1, uidValidity: uid32(validity), nextUid: uid32(next), guid: undefined, extensions: '' }
}

function parseVersion3(line: string): UidlistHeader | { readonly complaint: string } {
  const fields = new Map<string, string>()
  const others: string[] = []
  for (const field of line.slice(2).split(' ')) {
    const key = field[0] ?? ''
    if ('VNG'.includes(key)) fields.set(key, field.slice(1))
    else if (key !== '') others.push(field)
  }
  const guid = fields.get('G')
  if (guid !== undefined && !GUID.test(guid)) return { complaint: `Invalid mailbox GUID: ${guid}` }
  return {
    version: 3,
    uidValidity: uid32(fields.get('V')),
    nextUid: uid32(fields.get('N')),
    guid,
    extensions: others.join(' '),
  }
}

/** A line behind the first. A complaint when it makes no sense; fields without a key are left out and `repaired`. */
export function parseRecord(
  line: string,
  version: number,
): (UidlistRecord & { readonly repaired: boolean }) | { readonly complaint: string } {
  let at = 0
  let uid = 0
  for (; at < line.length; at++) {
    const digit = line.charCodeAt(at) - 48
    if (digit < 0 || digit > 9) break
    uid = uid * 10 + digit
  }
  if (uid === 0 || line[at] !== ' ') return { complaint: `Invalid data: ${line.slice(at)}` }
  if (uid > MAX_UID) return { complaint: `UID too high (${uid})` }
  while (line[at] === ' ') at++
  if (version === 1) return named(uid, '', line.slice(at), false)
  if (line[at] === ':') return named(uid, '', line.slice(at + 1), false)
  return parseExtended(uid, line.slice(at))
}

function parseExtended(uid: number, text: string): ReturnType<typeof parseRecord> {
  const end = text.indexOf(' :')
  if (end < 0) return { complaint: `Invalid extended fields: ${text}` }
  const fields = text
    .slice(0, end)
    .split(' ')
    .filter((field) => field !== '')
  const valid = fields.filter((field) => field[0] !== undefined && field[0] >= 'A' && field[0] <= 'Z')
  return named(uid, valid.join(' '), text.slice(end + 2), valid.length < fields.length)
}

function named(uid: number, extensions: string, name: string, repaired: boolean): ReturnType<typeof parseRecord> {
  if (name === '') return { complaint: 'Invalid extended fields: ' }
  if (name.includes('/')) return { complaint: `Broken filename: ${name}` }
  return { uid, extensions, base: baseOf(name), repaired }
}

/** The first line, with its end. */
export function writeHeader({ uidValidity, nextUid, guid, extensions }: UidlistHeader): string {
  return `3 V${uidValidity} N${nextUid} G${guid ?? ''}${extensions === '' ? '' : ` ${extensions}`}\n`
}

/** A line, with its end. */
export function writeRecord({ uid, extensions, base }: UidlistRecord): string {
  return extensions === '' ? `${uid} :${base}\n` : `${uid} ${extensions} :${base}\n`
}

/** The value of one field of a record. */
export function extensionOf(record: UidlistRecord, key: string): string | undefined {
  if (record.extensions === '') return undefined
  const field = record.extensions.split(' ').find((one) => one[0] === key)
  return field?.slice(1)
}

/** The fields of a record with this POP3 UIDL, where one can be kept; the base name is kept as an empty one, as in Dovecot. */
export function withPop3Uidl({ base, extensions }: UidlistRecord, uidl: string): string {
  if (/[\s\0]/.test(uidl)) return extensions
  const others = extensions.split(' ').filter((field) => field !== '' && !field.startsWith('P'))
  return [...others, `P${uidl === base ? '' : uidl}`].join(' ')
}

function uid32(text: string | undefined): number {
  const value = /^\d{1,10}/.exec(text ?? '')?.[0]
  return value === undefined || Number(value) > 0xffff_ffff ? 0 : Number(value)
}
