import { StoreRefusal } from '../refusal.ts'

export interface KeywordLimits {
  /** `mail_max_keyword_length`. */
  readonly bytes: number
  /** Keywords of one mailbox. */
  readonly count: number
}

/** Keywords a mailbox may have: each costs memory in every session, and clients never take one back. */
export const MAX_KEYWORDS = 1000

/** Refuses keywords that cannot be set, in Dovecot's words. `known` are those the mailbox has already. */
export function checkKeywords(keywords: readonly string[], known: readonly string[], limits: KeywordLimits): void {
  if (keywords.length === 0) return
  const there = new Set(known.map((keyword) => keyword.toLowerCase()))
  const fresh = new Set(keywords.map((keyword) => keyword.toLowerCase()).filter((keyword) => !there.has(keyword)))
  for (const keyword of fresh) {
    if (keyword === '') throw new StoreRefusal('cannot', 'Empty keywords not allowed')
    if (Buffer.byteLength(keyword) > limits.bytes) throw new StoreRefusal('cannot', 'Keyword length too long')
    // What an atom may not hold, RFC 3501 §9, and `]`; it would break the lists the keyword is written into.
    if (/[^\x21\x23\x24\x26\x27\x2b-\x5b\x5e-\x7a\x7c\x7d\x7e]/.test(keyword)) {
      throw new StoreRefusal('cannot', 'Invalid characters in keyword')
    }
  }
  if (fresh.size > 0 && there.size + fresh.size > limits.count) throw new StoreRefusal('limit', 'Too many keywords')
}
