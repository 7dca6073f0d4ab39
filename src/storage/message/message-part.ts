/** A node of a message's MIME tree: where its header and body are, in bytes as stored and as sent. */
export interface MessagePart {
  /** Where the header begins, counted in stored bytes from the beginning of the message. */
  readonly start: number
  readonly header: PartSize
  /** With everything inside: boundaries, children, epilogue. */
  readonly body: PartSize
  readonly kind: PartKind
  /** The parts of a multipart; the one message inside a message/rfc822. */
  readonly children: readonly MessagePart[]
}

/** A size in three ways. */
export interface PartSize {
  /** As stored. */
  readonly physical: number
  /** As sent, where every line ends with CRLF. */
  readonly virtual: number
  readonly lines: number
}

/** What the MIME parser made of a part's Content-Type. `other` has no structure of its own, and is no text. */
export type PartKind = 'text' | 'multipart' | 'message' | 'other'
