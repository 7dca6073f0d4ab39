/** The capabilities of a `[CAPABILITY ...]` response code at the start of a reply's text, or undefined. RFC 3501 §7.1. */
export function capabilityCode(text: string): string | undefined {
  if (!text.startsWith(CODE) && text.slice(0, CODE.length).toUpperCase() !== CODE) return undefined
  const end = text.indexOf(']', CODE.length)
  return end < 0 ? undefined : text.slice(CODE.length, end)
}

/** True when the text starts with a response code: `[CODE ...] text`. */
export function hasResponseCode(text: string): boolean {
  return text.charCodeAt(0) === 0x5b && text.includes(']')
}

/** The response code of a reply's text, upper case and without its arguments: `UNAVAILABLE`. */
export function responseCode(text: string): string | undefined {
  return RESPONSE_CODE.exec(text)?.[1]?.toUpperCase()
}

const CODE = '[CAPABILITY '
const RESPONSE_CODE = /^\[([^\] ]+)[^\]]*\]/
