/** What XCLIENT of SMTP and LMTP says about a client, read into types. It is believed only from `login_trusted_networks`. */
import { fittingWithin, joinForwardFields } from './forward-fields.ts'
import { readForward, readIp, readPort, readSession, readTtl, SESSION_BYTES } from './identity-values.ts'
import type { ForwardedIdentity } from './protocol.ts'
import { decodeText } from './wire-text.ts'

export interface SmtpIdentity extends ForwardedIdentity {
  readonly helo?: string
  readonly proto?: string
  readonly login?: string
}

/**
 * Reads attributes as `parseXclientWords` returns them; the text of a 501 when one makes no sense. Unknown ones are ignored,
 * and so are session ids longer than `sessionBytes`: Dovecot's LMTP takes longer ones than its login services.
 */
export function readSmtpIdentity(
  words: ReadonlyMap<string, string>,
  sessionBytes = SESSION_BYTES,
): SmtpIdentity | { readonly problem: string } {
  const update: Draft = {}
  for (const [name, value] of words) {
    // Postfix's words for "nothing is known".
    if (/^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i.test(value)) continue
    if (READERS.get(name)?.(update, value, sessionBytes) === false) return { problem: `Invalid ${name} parameter` }
  }
  return update
}

/** PORT of XCLIENT; none when a balancer did not know it, because receivers refuse port 0. */
export function portAttribute(port: number): { readonly PORT?: string } {
  return port === 0 ? {} : { PORT: String(port) }
}

/** Dovecot's receivers take about this much of FORWARD. */
export const FORWARD_BYTES = 900

/** The value of FORWARD: base64 of the joined fields; fields that do not fit are dropped, longest first. */
export function forwardAttribute(fields: ReadonlyMap<string, string | null>): {
  readonly value: string | undefined
  readonly dropped: readonly string[]
} {
  return fittingFields(fields, (kept) => {
    const value = Buffer.from(joinForwardFields(kept), 'latin1').toString('base64')
    // Each of these takes three bytes in xtext.
    return { value, bytes: value.length + 2 * (value.match(/[+=]/g)?.length ?? 0) }
  })
}

/** Drops the longest fields until what `encode` makes of the others has at most FORWARD_BYTES. */
export function fittingFields(
  fields: ReadonlyMap<string, string | null>,
  encode: (kept: ReadonlyMap<string, string | null>) => { readonly value: string; readonly bytes: number },
): { readonly value: string | undefined; readonly dropped: readonly string[] } {
  return fittingWithin(FORWARD_BYTES, fields, encode)
}

type Draft = { -readonly [Key in keyof SmtpIdentity]: SmtpIdentity[Key] }

type Reader = (update: Draft, value: string, sessionBytes: number) => boolean

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['ADDR', (update, value) => take(readIp(value), (ip) => (update.remoteIp = ip))],
  ['PORT', (update, value) => take(readPort(value), (port) => (update.remotePort = port))],
  ['SESSION', (update, value, bytes) => note(readSession(value, bytes), (session) => (update.session = session))],
  ['TTL', (update, value) => take(readTtl(value), (ttl) => (update.ttl = ttl))],
  ['TIMEOUT', (_, value) => /^\d{1,9}$/.test(value)],
  ['FORWARD', (update, value) => note(readForward(value), (fields) => (update.forward = fields))],
  ['HELO', (update, value) => note(decodeText(value), (helo) => (update.helo = helo))],
  ['PROTO', (update, value) => take(readProto(value), (proto) => (update.proto = proto))],
  ['LOGIN', (update, value) => note(decodeText(value), (login) => (update.login = login))],
])

function readProto(value: string): string | undefined {
  return /^(?:E?SMTP|LMTP)$/i.test(value) ? value.toUpperCase() : undefined
}

/** A value that is kept when there is one; nothing is wrong with none, or with one that makes no sense. */
function note<Value>(value: Value | undefined, keep: (value: Value) => void): true {
  if (value !== undefined && value !== '') keep(value)
  return true
}

/** A value that has to make sense. */
function take<Value>(value: Value | undefined, keep: (value: Value) => void): boolean {
  if (value === undefined) return false
  keep(value)
  return true
}
