/**
 * The values by which one proxy tells the next who its client is, however the protocol carries them (IMAP ID, XCLIENT): each
 * reader returns undefined for what makes no sense. Text is latin1-held bytes.
 */
import { isIP } from 'node:net'
import { splitForwardFields } from './forward-fields.ts'
import { decodeBase64 } from './sasl-wire.ts'

/** Hops a connection may have left: a peer that claims more is not believed. */
export const MAX_TTL = 5

/** Dovecot's login services ignore longer session ids. */
export const SESSION_BYTES = 64

/** SMTP writes IPv6 addresses with a prefix, everybody else without: both are understood everywhere. */
export function readIp(value: string): string | undefined {
  const prefixed = /^IPV6:/i.test(value)
  const ip = prefixed ? value.slice('IPV6:'.length) : value
  const version = isIP(ip)
  // A zone (`fe80::1%eth0`) is another machine's business.
  if (version === 0 || (prefixed && version !== 6) || ip.includes('%')) return undefined
  return ip
}

export function readPort(value: string): number | undefined {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : 0
  return port > 0 && port <= 65_535 ? port : undefined
}

export function readTtl(value: string): number | undefined {
  return /^\d{1,9}$/.test(value) ? Math.min(Number(value), MAX_TTL) : undefined
}

export function readSession(value: string, maxBytes = SESSION_BYTES): string | undefined {
  return value.length <= maxBytes && /^[\x21-\x7e]+$/.test(value) ? value : undefined
}

/** `forward_*` fields as XCLIENT carries them: base64 of what `joinForwardFields` wrote. */
export function readForward(value: string): Map<string, string> | undefined {
  const joined = decodeBase64(value)
  return joined === undefined ? undefined : splitForwardFields(joined.toString('latin1'))
}
