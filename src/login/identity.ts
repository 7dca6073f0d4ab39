import type { ByteStream, Endpoint } from '../net/byte-stream.ts'
import type { ProxyHeader } from '../net/haproxy-header.ts'
import type { ClientIdentity, ForwardedIdentity } from '../protocols/protocol.ts'
import { normalizeIp } from '../util/ip.ts'
import { LOGIN_LIMITS } from './limits.ts'
import { makeSessionId, SESSION_ID_MAX } from './session-id.ts'

const NO_FORWARD: ReadonlyMap<string, string> = new Map()

/** Who a client is before it said anything: what its socket knows, or the PROXY header in front. `nowMs` may have fractions. */
export function firstIdentity(stream: ByteStream, haproxy: ProxyHeader | undefined, nowMs: number): ClientIdentity {
  const remote: Endpoint = haproxy?.source ?? stream.remote
  const localName = haproxy?.authority
  return {
    session: makeSessionId(remote, Math.floor(nowMs * 1000)),
    remote,
    local: haproxy?.destination ?? stream.local,
    ttl: LOGIN_LIMITS.ttl,
    forward: NO_FORWARD,
    ...(localName === undefined ? undefined : { localName }),
  }
}

/**
 * The identity after a trusted peer said who the client really is. Values that make no sense leave the old ones; a hop
 * counter can only shrink.
 */
export function overrideIdentity(identity: ClientIdentity, update: ForwardedIdentity): ClientIdentity {
  return {
    ...identity,
    ...(update.session !== undefined && isSessionId(update.session)
      ? { session: update.session, sessionForwarded: true as const }
      : undefined),
    remote: {
      ip: normalizeIp(update.remoteIp ?? '') ?? identity.remote.ip,
      port: isPort(update.remotePort) ? update.remotePort : identity.remote.port,
    },
    local: {
      ip: normalizeIp(update.localIp ?? '') ?? identity.local.ip,
      port: isPort(update.localPort) ? update.localPort : identity.local.port,
    },
    ttl: isTtl(update.ttl) ? Math.min(update.ttl, LOGIN_LIMITS.ttl) : identity.ttl,
    forward: update.forward === undefined ? identity.forward : boundedForward(update.forward),
  }
}

/** It goes into logs and into XCLIENT lines: visible ASCII only. */
function isSessionId(text: string): boolean {
  return text.length <= SESSION_ID_MAX && /^[\x21-\x7e]+$/.test(text)
}

function isPort(port: number | undefined): port is number {
  return port !== undefined && Number.isInteger(port) && port > 0 && port <= 65_535
}

function isTtl(ttl: number | undefined): ttl is number {
  return ttl !== undefined && Number.isInteger(ttl) && ttl >= 0
}

/** As much of them as one connection may bring. What is said last counts, and the whole of it. */
function boundedForward(update: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  const kept = new Map<string, string>()
  let bytes = 0
  for (const [key, value] of update) {
    bytes += key.length + value.length
    if (bytes > LOGIN_LIMITS.forwardBytes) break
    kept.set(key, value)
  }
  return kept
}
