/** What XCLIENT of SMTP and LMTP says about a client, read into types. It is believed only from `login_trusted_networks`. */
import { isIP } from 'node:net'
import { joinForwardFields, splitForwardFields } from './forward-fields.ts'
import type { ForwardedIdentity } from './protocol.ts'
import { decodeBase64 } from './sasl-wire.ts'
import { decodeText } from './wire-text.ts'

export interface SmtpIdentity extends ForwardedIdentity {
  readonly helo?: string
  readonly proto?: string
  readonly login?: string
}

/** Longer forwarded session ids are ignored, as Dovecot's login services do; its LMTP takes longer ones. */
const SESSION_BYTES = 64

/** Reads attributes as `parseXclientWords` returns them; the text of a 501 when one makes no sense. Unknown ones are ignored. */
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
  const kept = new Map(fields)
  const dropped: string[] = []
  while (kept.size > 0) {
    const { value, bytes } = encode(kept)
    if (bytes <= FORWARD_BYTES) return { value, dropped }
    const longest = longestField(kept)
    kept.delete(longest)
    dropped.push(longest)
  }
  return { value: undefined, dropped }
}

function longestField(fields: ReadonlyMap<string, string | null>): string {
  let longest = ''
  let size = -1
  for (const [key, value] of fields) {
    const length = key.length + (value?.length ?? 0)
    if (length > size) [longest, size] = [key, length]
  }
  return longest
}

type Draft = { -readonly [Key in keyof SmtpIdentity]: SmtpIdentity[Key] }

type Reader = (update: Draft, value: string, sessionBytes: number) => boolean

/** A peer that claims more hops than this is not believed. */
const MAX_TTL = 5

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ['ADDR', readAddress],
  ['PORT', readPort],
  ['SESSION', readSession],
  ['TTL', readTtl],
  ['TIMEOUT', (_, value) => /^\d{1,9}$/.test(value)],
  ['FORWARD', readForward],
  ['HELO', readHelo],
  ['PROTO', readProto],
  ['LOGIN', readLogin],
])

function readAddress(update: Draft, value: string): boolean {
  const ip = value.replace(/^IPV6:/i, '')
  if (isIP(ip) === 0) return false
  update.remoteIp = ip
  return true
}

function readPort(update: Draft, value: string): boolean {
  const port = /^\d{1,5}$/.test(value) ? Number(value) : 0
  if (port === 0 || port > 65_535) return false
  update.remotePort = port
  return true
}

function readSession(update: Draft, value: string, sessionBytes: number): boolean {
  if (value.length <= sessionBytes && /^[\x21-\x7e]+$/.test(value)) update.session = value
  return true
}

function readTtl(update: Draft, value: string): boolean {
  if (!/^\d{1,9}$/.test(value)) return false
  update.ttl = Math.min(Number(value), MAX_TTL)
  return true
}

function readForward(update: Draft, value: string): boolean {
  const bytes = decodeBase64(value)
  if (bytes === undefined) return false
  update.forward = splitForwardFields(bytes.toString('latin1'))
  return true
}

function readHelo(update: Draft, value: string): boolean {
  if (value !== '') update.helo = decodeText(value)
  return true
}

function readProto(update: Draft, value: string): boolean {
  if (!/^(?:E?SMTP|LMTP)$/i.test(value)) return false
  update.proto = value.toUpperCase()
  return true
}

function readLogin(update: Draft, value: string): boolean {
  if (value !== '') update.login = decodeText(value)
  return true
}
