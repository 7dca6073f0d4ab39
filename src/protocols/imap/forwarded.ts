/**
 * The ID keys by which a proxy tells a backend who its client is. They count only from `login_trusted_networks`; from anyone
 * else, and in an ID that is kept or passed on, they are dropped.
 */
import { readIp, readPort, readSession, readTtl } from '../identity-values.ts'
import type { ForwardedIdentity } from '../protocol.ts'
import { decodeText } from '../wire-text.ts'
import type { IdPair } from './wire/id-parameters.ts'

export const FORWARD_PREFIX = 'x-forward-'

/** True for keys that carry identity, whoever sends them. */
export function isReservedIdKey(key: string): boolean {
  const lower = key.toLowerCase()
  return RESERVED.has(lower) || lower.startsWith(FORWARD_PREFIX)
}

/** What the pairs say about the client behind a trusted proxy, undefined when nothing. Values that make no sense are ignored; of two, the later one counts. */
export function forwardedIdentity(pairs: readonly IdPair[]): ForwardedIdentity | undefined {
  const update: Draft = {}
  const forward = new Map<string, string>()
  for (const [key, value] of pairs) {
    if (value === null) continue
    const lower = key.toLowerCase()
    if (lower.startsWith(FORWARD_PREFIX)) {
      if (lower.length > FORWARD_PREFIX.length)
        forward.set(decodeText(key.slice(FORWARD_PREFIX.length)), decodeText(value))
    } else {
      RESERVED.get(lower)?.(update, value)
    }
  }
  if (forward.size > 0) update.forward = forward
  return Object.keys(update).length === 0 ? undefined : update
}

type Draft = { -readonly [K in keyof ForwardedIdentity]: ForwardedIdentity[K] }

const RESERVED: ReadonlyMap<string, (update: Draft, value: string) => void> = new Map([
  ['x-originating-ip', (update: Draft, value: string) => setIp(update, 'remoteIp', value)],
  ['x-originating-port', (update: Draft, value: string) => setPort(update, 'remotePort', value)],
  ['x-connected-ip', (update: Draft, value: string) => setIp(update, 'localIp', value)],
  ['x-connected-port', (update: Draft, value: string) => setPort(update, 'localPort', value)],
  ['x-session-id', setSession],
  ['x-session-ext-id', setSession],
  ['x-proxy-ttl', setTtl],
])

function setIp(update: Draft, name: 'remoteIp' | 'localIp', value: string): void {
  const ip = readIp(value)
  if (ip !== undefined) update[name] = ip
}

function setPort(update: Draft, name: 'remotePort' | 'localPort', value: string): void {
  const port = readPort(value)
  if (port !== undefined) update[name] = port
}

function setSession(update: Draft, value: string): void {
  const session = readSession(value)
  if (session !== undefined) update.session = session
}

function setTtl(update: Draft, value: string): void {
  const ttl = readTtl(value)
  if (ttl !== undefined) update.ttl = ttl
}
