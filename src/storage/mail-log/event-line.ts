import { systemFlagNames } from '../flags.ts'
import { cutText } from '../../util/cut-text.ts'
import { type HeaderTexts, NO_HEADER } from './header-texts.ts'
import type { MailLogField } from './mail-log-settings.ts'

/** Names of mailboxes are cut to so many bytes. */
const MAILBOX_BYTES = 64

/** What a line says of a message besides where it is. */
export interface LoggedMessage {
  readonly texts: HeaderTexts
  /** As stored; `undefined` when it is not known. */
  readonly storedBytes: number | undefined
  /** Lines ending with CRLF. */
  readonly virtualBytes: number | undefined
}

export const UNKNOWN_MESSAGE: LoggedMessage = { texts: NO_HEADER, storedBytes: undefined, virtualBytes: undefined }

/** One thing that happened to a message. */
export interface MessageEvent {
  /** `save`, `copy from INBOX`. */
  readonly what: string
  readonly box: string
  /** `undefined` where the server does not learn it. */
  readonly uid: number | undefined
  /** The inside of a FLAGS list. */
  readonly flags: string
}

/** `save: box=INBOX, uid=1, msgid=<...>, size=108`, in the order Dovecot has. */
export function eventLine(
  { what, box, uid, flags }: MessageEvent,
  { texts, storedBytes, virtualBytes }: LoggedMessage,
  fields: ReadonlySet<MailLogField>,
): string {
  const values: readonly (readonly [MailLogField, string | number | undefined])[] = [
    ['box', boxText(box)],
    ['uid', uid],
    ['msgid', texts.msgid],
    ['size', storedBytes],
    ['vsize', virtualBytes],
    ['from', texts.from],
    ['subject', texts.subject],
    ['flags', `(${flags})`],
  ]
  const shown = values.filter(([name, value]) => fields.has(name) && value !== undefined)
  return shown.length === 0 ? what : `${what}: ${shown.map(([name, value]) => `${name}=${value}`).join(', ')}`
}

/** The name of a mailbox for a line. */
export function boxText(name: string): string {
  return cutText(name.replaceAll(CONTROLS, '?'), MAILBOX_BYTES)
}

/** Flags as a line has them: \Recent behind the system flags. */
export function flagsText(bits: number, keywords: readonly string[], isRecent: boolean): string {
  return [...systemFlagNames(bits), ...(isRecent ? ['\\Recent'] : []), ...keywords].join(' ')
}

// oxlint-disable-next-line no-control-regex
const CONTROLS = /[\0-\x1f]/g
