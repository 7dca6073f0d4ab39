/**
 * XCLIENT for SMTP and LMTP: attributes in xtext, only those the other side listed, lines of at most 512 bytes. The receiving half
 * is believed only from `login_trusted_networks`.
 */
import { isIP } from 'node:net'
import { joinForwardFields, splitForwardFields } from '../../forward-fields.ts'
import type { ForwardedIdentity } from '../../protocol.ts'
import { decodeBase64 } from '../../sasl-wire.ts'
import { decodeText, encodeText } from '../../wire-text.ts'
import { decodeXtext, encodeXtext } from './xtext.ts'

/** RFC 5321 §4.5.3.1.4; Dovecot keeps to it when sending. */
export const XCLIENT_LINE_BYTES = 512

export type XclientAttribute = 'HELO' | 'PROTO' | 'LOGIN' | 'SESSION' | 'TTL' | 'TIMEOUT' | 'PORT' | 'ADDR' | 'FORWARD'

/**
 * The XCLIENT lines, CRLF included, for the attributes in `order` that have a value and are `offered`. An attribute that does not
 * fit starts another line.
 */
export function formatXclientLines(
  values: Partial<Record<XclientAttribute, string>>,
  order: readonly XclientAttribute[],
  offered: readonly string[],
): string[] {
  const wanted = new Set(offered.map((name) => name.toUpperCase()))
  const lines: string[] = []
  let line = ''
  for (const name of order) {
    const value = values[name]
    if (value === undefined || !wanted.has(name)) continue
    const word = ` ${name}=${name === 'FORWARD' ? value : encodeXtext(encodeText(value))}`
    if (line !== '' && line.length + word.length + 2 > XCLIENT_LINE_BYTES) {
      lines.push(`${line}\r\n`)
      line = ''
    }
    line = line === '' ? `XCLIENT${word}` : line + word
  }
  if (line !== '') lines.push(`${line}\r\n`)
  return lines
}

/** Dovecot's receivers take about this much of FORWARD. */
export const FORWARD_BYTES = 900

/** The value of FORWARD: base64 of the joined fields, as xtext; fields that do not fit are dropped, longest first. */
export function formatForward(fields: ReadonlyMap<string, string | null>): {
  value: string | undefined
  dropped: string[]
} {
  const kept = new Map(fields)
  const dropped: string[] = []
  while (kept.size > 0) {
    const value = encodeXtext(Buffer.from(joinForwardFields(kept), 'latin1').toString('base64'))
    if (value.length <= FORWARD_BYTES) return { value, dropped }
    const [longest] = [...kept].toSorted(([, one], [, other]) => (other?.length ?? 0) - (one?.length ?? 0))
    if (longest === undefined) break
    kept.delete(longest[0])
    dropped.push(longest[0])
  }
  return { value: undefined, dropped }
}

export interface XclientUpdate extends ForwardedIdentity {
  readonly helo?: string
  readonly proto?: string
}

/** What the arguments say; the text of a 501 when one makes no sense. Attributes nobody asked for are ignored. */
export function parseXclientArguments(args: string): XclientUpdate | { readonly problem: string } {
  const update: Draft = {}
  for (const word of args.split(' ')) {
    if (word === '') continue
    const equals = word.indexOf('=')
    const value = equals <= 0 ? undefined : decodeXtext(word.slice(equals + 1))
    if (value === undefined) return { problem: 'Invalid parameters' }
    // Postfix's words for "nothing is known".
    if (/^\[(?:UNAVAILABLE|TEMPUNAVAIL)\]$/i.test(value)) continue
    const name = word.slice(0, equals).toUpperCase()
    if (READERS.get(name)?.(update, value) === false) return { problem: `Invalid ${name} parameter` }
  }
  return update
}

type Draft = { -readonly [Key in keyof XclientUpdate]: XclientUpdate[Key] }

const MAX_TTL = 5
const SESSION_BYTES = 64

const READERS: ReadonlyMap<string, (update: Draft, value: string) => boolean> = new Map([
  ['ADDR', readAddress],
  ['PORT', readPort],
  ['SESSION', readSession],
  ['TTL', readTtl],
  ['FORWARD', readForward],
  ['HELO', readHelo],
  ['PROTO', readProto],
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

function readSession(update: Draft, value: string): boolean {
  if (value.length <= SESSION_BYTES && /^[\x21-\x7e]+$/.test(value)) update.session = value
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
  update.helo = decodeText(value)
  return value !== ''
}

function readProto(update: Draft, value: string): boolean {
  if (!/^(?:E?SMTP|LMTP)$/i.test(value)) return false
  update.proto = value.toUpperCase()
  return true
}
