import { type Address, addressFromName } from '../smtp/wire/path.ts'
import { encodeText } from '../wire-text.ts'
import { splitDetail } from './recipient.ts'

/**
 * The recipient as its backend knows it: `destuser` with the detail put back. The address itself where only the name before the
 * detail counts and is the same. Undefined when `destuser` can be no address.
 */
export function rewriteRecipient(address: Address, destuser: string, delimiters: string): Address | undefined {
  const { local, detail } = splitDetail(address.localPart, delimiters)
  const name = address.domain === undefined ? local : `${local}@${address.domain}`
  const wanted = encodeText(destuser)
  if (wanted === name) return address
  const rewritten = addressFromName(wanted)
  if (rewritten === undefined) return undefined
  // A delimiter with nothing behind it is no detail.
  return detail.length < 2 ? rewritten : { ...rewritten, localPart: rewritten.localPart + detail }
}
