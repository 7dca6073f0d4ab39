/** What one message may cost. Beyond a limit it is described less exactly; it is never refused. */
export const MESSAGE_LIMITS = {
  /** One header field with its continuation lines; what is beyond counts into sizes only. */
  fieldBytes: 1024 * 1024,
  /** All fields together that a summary is made of, each counted with some bytes more; what comes later is left out. */
  summaryFieldBytes: 16 * 1024 * 1024,
  /** A message with a longer header is read as a whole also by who wants to know of its header alone. */
  headerBytes: 64 * 1024,
  /** Multiparts and messages inside each other, as Dovecot's MESSAGE_PARSER_DEFAULT_MAX_NESTED_MIME_PARTS. */
  nestedParts: 100,
  /** Parts of a message altogether, as Dovecot's MESSAGE_PARSER_DEFAULT_MAX_TOTAL_MIME_PARTS. */
  parts: 10_000,
  /** A boundary is compared this far: RFC 2046 section 5.1.1 allows 70, Dovecot 80. */
  boundaryBytes: 80,
  /** Parameters of one Content-Type or Content-Disposition. */
  parameters: 1000,
  /** Addresses of all fields of one name. */
  addresses: 10_000,
  /** One of the fields kept for SORT and THREAD. */
  keptFieldBytes: 64 * 1024,
} as const
