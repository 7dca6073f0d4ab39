import type { SentDate } from './date.ts'
import type { MessagePart } from './message-part.ts'

/**
 * What an index keeps of a message's header, so that FETCH ENVELOPE and most SEARCH commands need not read it. Made by
 * `summariseHeader` from the first bytes of a message, or part of what is kept of the whole message. Texts are one byte a
 * character.
 */
export interface HeaderSummary {
  /** Nothing is known of what stands behind the header; otherwise it is a `MessageSummary`. */
  readonly headerOnly: boolean
  /** `(NIL "subject" ...)`, as it stands behind ENVELOPE; may hold literals. RFC 3501 section 7.4.2. */
  readonly envelope: string
  /** The Date field, when it can be read. */
  readonly dateSent: SentDate | undefined
  /** Bits in the order of KEPT_FIELDS: the header says more of this field than `field` does. */
  readonly partialFields: number
  /** Raw value of the first field of a name, unfolded lines joined with LF; `undefined` when there is none. */
  field(name: KeptField): string | undefined
}

/** What an index keeps of a whole message. Made by `summarise` and `Summariser`, packed by `packSummary`. */
export interface MessageSummary extends HeaderSummary {
  readonly headerOnly: false
  /** As stored, in bytes. */
  readonly sizePhysical: number
  /** As sent with CRLF line ends, in bytes: RFC822.SIZE. */
  readonly sizeVirtual: number
  /** Lines of the body. */
  readonly lines: number
  /** `("text" "plain" ...)`, as it stands behind BODYSTRUCTURE. */
  readonly bodyStructure: string
  /** The same without extension data, as it stands behind BODY. */
  readonly body: string
  /** The message itself as a part, for `locateSection`. */
  readonly root: MessagePart
}

/** Whether more than the header was looked at. */
export function isWhole(summary: HeaderSummary): summary is MessageSummary {
  return !summary.headerOnly
}

/** Fields that SEARCH, SORT (RFC 5256 section 3) and THREAD ask for. */
export const KEPT_FIELDS = ['subject', 'from', 'to', 'cc', 'message-id', 'in-reply-to', 'references'] as const

export type KeptField = (typeof KEPT_FIELDS)[number]

/** The bit of a field in `partialFields`. */
export function fieldBit(field: KeptField): number {
  return 1 << KEPT_FIELDS.indexOf(field)
}

export const ALL_FIELDS = (1 << KEPT_FIELDS.length) - 1
