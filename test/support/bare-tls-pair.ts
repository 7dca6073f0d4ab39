import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { type Duplex, duplexPair } from 'node:stream'
import type { TestContext } from 'node:test'
import { type ConnectionOptions, connect, createSecureContext, TLSSocket } from 'node:tls'
import type { BareSocket } from '../../src/net/bare/bare-socket.ts'
import type { BareTls, BareTlsServerOptions } from '../../src/net/bare/bare-tls.ts'
import { TlsContextCache } from '../../src/net/tls-cache.ts'
import type { ServerTlsContext } from '../../src/net/tls-context.ts'
import { barePair, Told } from './bare-pair.ts'
import { makeCertificate } from './certificates.ts'
import { serving, tlsSettings } from './tls-settings.ts'
import { turn } from './until.ts'

export const TLS_VERSIONS = ['TLSv1.2', 'TLSv1.3'] as const
export type TlsVersion = (typeof TLS_VERSIONS)[number]

/** Which end of TLS ours is. */
export const TLS_ROLES = ['server', 'client'] as const
export type TlsRole = (typeof TLS_ROLES)[number]

/** All there is to try. */
export const TLS_KINDS = TLS_VERSIONS.flatMap((maxVersion) =>
  TLS_ROLES.map((role) => ({ maxVersion, role, name: `${role}, ${maxVersion}` })),
)

const certificate = await makeCertificate()
const cache = new TlsContextCache(randomBytes(48))
/** Shows a certificate that is signed by itself. */
export const TEST_CONTEXT: ServerTlsContext = cache.server(tlsSettings(serving(certificate)))
const CLIENT_CONTEXT = cache.client(tlsSettings())
const OPTIONS: BareTlsServerOptions = {
  secureContext: TEST_CONTEXT.secureContext,
  asksCertificate: false,
}

/** Our end of TLS over a bare socket, before its handshake, and the plain other end. Gone after the test. */
export interface BareTlsEnd {
  readonly near: BareTls
  /** What `near` was made of. */
  readonly under: BareSocket
  readonly far: Socket
  /** Hears `secure`, too. */
  readonly told: Told
}

export async function bareTlsEnd(
  t: TestContext,
  options: Partial<BareTlsServerOptions> = {},
  role: TlsRole = 'server',
): Promise<BareTlsEnd> {
  const { near: under, far } = await barePair(t)
  const near = tlsOver(under, role, options)
  const told = new Told(near)
  near.onSecure = () => told.add('secure')
  return { near, under, far, told }
}

/** Our end of TLS: it has not begun. */
export function tlsOver(under: BareSocket, role: TlsRole, options: Partial<BareTlsServerOptions> = {}): BareTls {
  const { secureContext } = CLIENT_CONTEXT
  return under.toTls(role === 'server' ? { ...OPTIONS, ...options } : { secureContext, servername: 'imap.example.org' })
}

/** The other end, of Node. It has begun. */
export function peerOver(side: Duplex, role: TlsRole, wishes: ConnectionOptions): TLSSocket {
  const peer =
    role === 'server'
      ? connect({ rejectUnauthorized: false, ...wishes, socket: side })
      : new TLSSocket(side as never, {
          isServer: true,
          secureContext: createSecureContext({ ...certificate, maxVersion: wishes.maxVersion }),
        }).on('_tlsError', (error) => peer.destroy(error))
  return peer.on('error', () => undefined)
}

/** What goes over the connection below TLS. */
export interface Wire {
  /** All that our end has sent. */
  heard(): Buffer
  /** Our end has sent FIN. */
  ended(): boolean
}

export interface BareTlsPair extends BareTlsEnd {
  /** The peer: a client where we are the server. */
  readonly client: TLSSocket
  readonly wire: Wire
  /** Both are done with the handshake. */
  readonly secured: Promise<unknown>
}

export type PeerWishes = ConnectionOptions & { readonly role?: TlsRole }

/** The same with a peer. Both begin at once and read, `client` once somebody listens. */
export async function bareTlsPair(
  t: TestContext,
  { role = 'server', ...wishes }: PeerWishes = {},
  options: Partial<BareTlsServerOptions> = {},
): Promise<BareTlsPair> {
  const end = await bareTlsEnd(t, options, role)
  const { wire, side } = bridge(end.far)
  const socket = peerOver(side, role, wishes)
  t.after(() => socket.destroy())
  const secured = Promise.all([heard(end.told, 'secure'), once(socket, role === 'server' ? 'secureConnect' : 'secure')])
  secured.catch(() => undefined)
  end.near.begin()
  return { ...end, client: socket, wire, secured }
}

/** Both are through, and the client has the tickets that TLS 1.3 sends behind the handshake. */
export async function securedPair(
  t: TestContext,
  wishes: PeerWishes = {},
  options: Partial<BareTlsServerOptions> = {},
): Promise<BareTlsPair> {
  const pair = await bareTlsPair(t, wishes, options)
  await pair.secured
  for (let turns = 0; turns < 3; turns++) await turn()
  pair.told.news.length = 0
  return pair
}

/** Carries bytes between the connection and a client in memory, which has no part of it then: it may be looked at and cut. */
function bridge(far: Socket): { wire: Wire; side: Duplex } {
  const [inner, side] = duplexPair({ allowHalfOpen: true })
  const chunks: Buffer[] = []
  let ended = false
  far.on('data', (chunk: Buffer) => {
    chunks.push(chunk)
    if (!inner.write(chunk)) far.pause()
  })
  inner.on('drain', () => far.resume())
  far.on('end', () => {
    ended = true
    inner.end()
  })
  far.on('close', () => inner.destroy())
  inner.on('error', () => undefined)
  inner.on('data', (chunk: Buffer) => {
    if (far.writable && !far.write(chunk)) inner.pause()
  })
  far.on('drain', () => inner.resume())
  inner.on('end', () => far.end())
  side.on('close', () => far.end())
  return { wire: { heard: () => Buffer.concat(chunks), ended: () => ended }, side }
}

function heard(told: Told, what: string): Promise<void> {
  return new Promise((resolve) => {
    if (told.news.includes(what)) return resolve()
    const before = told.onNews
    told.onNews = (news) => {
      before(news)
      if (news === what) resolve()
    }
  })
}

export interface TlsRecord {
  readonly type: number
  readonly size: number
}

/** RFC 8446 section 5.1. */
export const ALERT = 21
export const APPLICATION_DATA = 23

/** Throws when bytes are left that are no record. */
export function tlsRecords(bytes: Buffer): TlsRecord[] {
  const records: TlsRecord[] = []
  let at = 0
  while (at < bytes.length) {
    const record = { type: bytes.readUInt8(at), size: bytes.readUInt16BE(at + 3) }
    records.push(record)
    at += 5 + record.size
  }
  if (at !== bytes.length) throw new Error(`half a record: ${at} of ${bytes.length}`)
  return records
}
