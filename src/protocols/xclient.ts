/**
 * XCLIENT as POP3 and ManageSieve have it: `XCLIENT ADDR=ip PORT=port SESSION=id TTL=hops FORWARD=base64`. A proxy tells its backend
 * who the client is; a backend believes it from `login_trusted_networks`.
 */
import { fittingWithin, joinForwardFields } from './forward-fields.ts'
import { readForward, readIp, readPort, readSession, readTtl } from './identity-values.ts'
import type { BackendIo, ClientIdentity, ForwardedIdentity, ProxyTarget } from './protocol.ts'
import { sanitize } from './wire-text.ts'

/** What Dovecot's login services read in one line; longer ones end the connection. */
export const XCLIENT_LINE_BYTES = 1024

/** The command with its CRLF. Warns about forward fields that must stay behind. */
export function xclientCommand(io: BackendIo, target: ProxyTarget): string {
  const { line, dropped } = formatXclient(io.identity, target)
  warnOfDropped(io, dropped)
  return `${line}\r\n`
}

export function warnOfDropped(io: BackendIo, dropped: readonly string[]): void {
  for (const field of dropped)
    io.warn(`Not forwarding field forward_${sanitize(field, 60)}: it does not fit into XCLIENT`)
}

/** The command without CRLF, and the forward fields that had to be left out to keep the line readable for the receiver. */
export function formatXclient(
  identity: Pick<ClientIdentity, 'remote' | 'session'>,
  target: Pick<ProxyTarget, 'ttl' | 'forward'>,
): { readonly line: string; readonly dropped: readonly string[] } {
  const { remote, session } = identity
  // A balancer may not know the port. Receivers refuse the whole command over port 0.
  const port = remote.port === 0 ? '' : ` PORT=${remote.port}`
  const base = `XCLIENT ADDR=${remote.ip}${port} SESSION=${session} TTL=${target.ttl}`
  const { value, dropped } = fittingWithin(XCLIENT_LINE_BYTES - base.length - 2, target.forward, (kept) => {
    const word = ` FORWARD=${Buffer.from(joinForwardFields(kept), 'latin1').toString('base64')}`
    return { value: word, bytes: word.length }
  })
  return { line: base + (value ?? ''), dropped }
}

/** What the arguments say; `undefined` when one of them makes no sense. Unknown names are ignored. */
export function parseXclient(args: string): ForwardedIdentity | undefined {
  const update: Draft = {}
  for (const word of args.split(' ')) {
    const equals = word.indexOf('=')
    if (equals < 0) continue
    const read = READERS.get(word.slice(0, equals).toUpperCase())
    if (read !== undefined && !read(update, word.slice(equals + 1))) return undefined
  }
  return update
}

type Draft = { -readonly [Key in keyof ForwardedIdentity]: ForwardedIdentity[Key] }

const READERS: ReadonlyMap<string, (update: Draft, value: string) => boolean> = new Map([
  ['ADDR', (update: Draft, value: string) => take(readIp(value), (ip) => (update.remoteIp = ip))],
  ['PORT', (update: Draft, value: string) => take(readPort(value), (port) => (update.remotePort = port))],
  ['TTL', (update: Draft, value: string) => take(readTtl(value), (ttl) => (update.ttl = ttl))],
  ['FORWARD', (update: Draft, value: string) => take(readForward(value), (fields) => (update.forward = fields))],
  ['SESSION', setSession],
])

/** Dovecot ignores session ids that are too long, and so do we: the connection goes on under its own. */
function setSession(update: Draft, value: string): true {
  take(readSession(value), (session) => (update.session = session))
  return true
}

function take<Value>(value: Value | undefined, keep: (value: Value) => void): boolean {
  if (value === undefined) return false
  keep(value)
  return true
}
