import { splitForwardFields } from '../forward-fields.ts'
import { decodeBase64 } from '../sasl-wire.ts'
import { decodeXtext } from '../smtp/wire/xtext.ts'

/**
 * The fields of XRCPTFORWARD: joined by TAB in xtext, as Dovecot sends them, or the same in base64 before that, as its manual
 * says. Without the parameter there are none.
 */
export function readForwardFields(value: string | undefined): ReadonlyMap<string, string> {
  const text = decodeXtext(value ?? '') ?? ''
  return splitForwardFields(fromBase64(text) ?? text)
}

/** A bare key may look like base64 too; what it would stand for hardly looks like fields. */
function fromBase64(text: string): string | undefined {
  if (text === '' || text.includes('\t')) return undefined
  const decoded = decodeBase64(text)?.toString('latin1')
  return decoded !== undefined && /^[\x20-\x7e\x80-\xff\x01]+[=\t]/.test(decoded) ? decoded : undefined
}
