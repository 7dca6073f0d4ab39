/** Character classes of IMAP (RFC 3501 §9) as Dovecot's parser draws them, for latin1-held lines. */

/**
 * tag = 1*<any ASTRING-CHAR except "+">, at most 126 characters. Anything else is never echoed, so that a browser talked
 * into sending HTTP here gets nothing of its own back.
 */
export function isTag(word: string): boolean {
  return TAG.test(word)
}

/** True for the atom NIL in any case. */
export function isNil(atom: string): boolean {
  return atom.length === 3 && atom.toUpperCase() === 'NIL'
}

/** True where a quoted string would not do: control characters and bytes above 127 need a literal. */
export function needsLiteral(text: string): boolean {
  return NOT_QUOTABLE.test(text)
}

const TAG = /^[^\x00-\x20"%()*+\\\]{\x80-\xff]{1,126}$/
const NOT_QUOTABLE = /[\x00-\x1f\x7f-\uffff]/
