import type { SentDate } from './date.ts'
import type { MessagePart } from './message-part.ts'

/**
 * What an index keeps of a message, so that most FETCH, SORT and THREAD commands need not read it. Made by `summarise`
 * and `Summariser`, packed by `packSummary`.
 */
export interface MessageSummary {
  /** As stored, in bytes. */
  readonly sizePhysical: number
  /** As sent with CRLF line ends, in bytes: RFC822.SIZE. */
  readonly sizeVirtual: number
  /** Lines of the body. */
  readonly lines: number
  /** `(NIL "subject" ...)`, as it stands behind ENVELOPE; may hold literals. RFC 3501 section 7.4.2. */
  readonly envelope: Buffer
  /** `("text" "plain" ...)`, as it stands behind BODYSTRUCTURE. */
  readonly bodyStructure: Buffer
  /** The same without extension data, as it stands behind BODY. */
  readonly body: Buffer
  /** The message itself as a part, for `locateSection`. */
  readonly root: MessagePart
  /** The Date field, when it can be read. */
  readonly dateSent: SentDate | undefined
  /** Raw values of the first field of each name in KEPT_FIELDS, unfolded lines joined with LF. */
  readonly fields: ReadonlyMap<KeptField, Buffer>
  /** Bits in the order of KEPT_FIELDS: the header says more of this field than `fields` does. */
  readonly partialFields: number
}

/** Fields that SEARCH, SORT (RFC 5256 section 3) and THREAD ask for. */
export const KEPT_FIELDS = ['subject', 'from', 'to', 'cc', 'message-id', 'in-reply-to', 'references'] as const

export type KeptField = (typeof KEPT_FIELDS)[number]

/** The bit of a field in `partialFields`. */
export function fieldBit(field: KeptField): number {
  return 1 << KEPT_FIELDS.indexOf(field)
}

export const ALL_FIELDS = (1 << KEPT_FIELDS.length) - 1
