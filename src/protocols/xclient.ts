/**
 * XCLIENT as POP3 and ManageSieve have it: `XCLIENT ADDR=ip PORT=port SESSION=id TTL=hops FORWARD=base64`. A proxy tells its backend
 * who the client is; a backend believes it from `login_trusted_networks`.
 */
import { isIP } from 'node:net'
import { joinForwardFields, splitForwardFields } from './forward-fields.ts'
import type { ClientIdentity, ForwardedIdentity, ProxyTarget } from './protocol.ts'
import { decodeBase64 } from './sasl-wire.ts'

/** What Dovecot's login services read in one line; longer ones end the connection. */
export const XCLIENT_LINE_BYTES = 1024
/** Hops a connection may have left: a peer that claims more is not believed. */
const MAX_TTL = 5
const SESSION_BYTES = 64

/** The command without CRLF, and the forward fields that had to be left out to keep the line readable for the receiver. */
export function formatXclient(identity: ClientIdentity, target: ProxyTarget): { line: string; dropped: string[] } {
  const base = `XCLIENT ADDR=${identity.remote.ip} PORT=${identity.remote.port} SESSION=${identity.session} TTL=${target.ttl}`
  const kept = new Map(target.forward)
  const dropped: string[] = []
  for (;;) {
    const line =
      kept.size === 0 ? base : `${base} FORWARD=${Buffer.from(joinForwardFields(kept), 'latin1').toString('base64')}`
    const longest = line.length + 2 <= XCLIENT_LINE_BYTES ? undefined : longestField(kept)
    if (longest === undefined) return { line, dropped }
    kept.delete(longest)
    dropped.push(longest)
  }
}

/** What the arguments say; `undefined` when one of them makes no sense. Unknown names are ignored. */
export function parseXclient(args: string): ForwardedIdentity | undefined {
  const update: Draft = {}
  for (const word of args.split(' ')) {
    if (word === '') continue
    const equals = word.indexOf('=')
    if (equals <= 0) return undefined
    const read = READERS.get(word.slice(0, equals).toUpperCase())
    if (read !== undefined && !read(update, word.slice(equals + 1))) return undefined
  }
  return update
}

type Draft = { -readonly [Key in keyof ForwardedIdentity]: ForwardedIdentity[Key] }

const READERS: ReadonlyMap<string, (update: Draft, value: string) => boolean> = new Map([
  ['ADDR', readAddress],
  ['PORT', readPort],
  ['SESSION', readSession],
  ['TTL', readTtl],
  ['FORWARD', readForward],
])

function readAddress(update: Draft, value: string): boolean {
  // SMTP writes IPv6 addresses with a prefix, everybody else without: both are understood.
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

/** Dovecot ignores session ids that are too long, and so do we: the connection goes on under its own. */
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

function longestField(fields: ReadonlyMap<string, string | null>): string | undefined {
  let longest: string | undefined
  let size = -1
  for (const [key, value] of fields) {
    const length = key.length + (value?.length ?? 0)
    if (length > size) [longest, size] = [key, length]
  }
  return longest
}
