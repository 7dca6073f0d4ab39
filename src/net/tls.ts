import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { checkServerIdentity, type ConnectionOptions, connect, type TLSSocket, TLSSocket as TlsSocket } from 'node:tls'
import type { BareTls, BareTlsServerOptions } from './bare/bare-tls.ts'
import type { TlsInfo } from './byte-stream.ts'
import { serverChannelBinding } from './channel-binding.ts'
import { faultText } from './fault-text.ts'
import { NOBODY, type SocketOwner } from './socket-owner.ts'
import type { SocketStream } from './socket-stream.ts'
import { backendCertificateProblem, clientCertificate } from './tls-certificate.ts'
import type { ClientTlsContext, ServerTlsContext } from './tls-context.ts'

/** How a TLS handshake failed: `closed` when the peer left during it, `certificate` when we refuse the peer's. */
export type TlsFault = 'closed' | 'handshake' | 'certificate'

/** A TLS handshake that failed. The message is for the log, in Dovecot's words. */
export class TlsFailed extends Error {
  override readonly name = 'TlsFailed'
  readonly fault: TlsFault

  constructor(fault: TlsFault, message: string, options?: ErrorOptions) {
    super(message, options)
    this.fault = fault
  }
}

export interface ServerTlsOptions {
  readonly context: ServerTlsContext
  /** Chooses by the name the client sends (`local_name`); undefined keeps `context`. Without this function SNI costs nothing. */
  readonly byServerName?: (name: string) => ServerTlsContext | undefined
  /** The protocol to agree on when the client offers any (RFC 7301); a client offering only others is turned away. */
  readonly alpn?: string
  /** After STARTTLS `drop` what came behind the command; where TLS comes at once `feed` what was read already. */
  readonly unread: 'drop' | 'feed'
}

/**
 * Server side of a handshake; afterwards the stream is what goes through TLS. The stream's deadline holds. Rejects with
 * TlsFailed or DeadlineExceeded, and the connection is closed then.
 */
export function startTlsServer(stream: SocketStream, options: ServerTlsOptions): Promise<void> {
  if (isUnfit(stream)) return alreadyGone(stream)
  const { alpn, unread } = options
  let { context, byServerName } = options
  const chosen = (name: string): ServerTlsContext['secureContext'] => {
    context = byServerName?.(name) ?? context
    return context.secureContext
  }
  const plan: BareTlsServerOptions = {
    secureContext: context.secureContext,
    asksCertificate: context.asksCertificate,
    byServerName: byServerName === undefined ? undefined : chosen,
    alpn,
  }
  const finish = (socket: TLSSocket | BareTls): void => {
    // The socket keeps `chosen` for life.
    byServerName = undefined
    stream.finishTls(socket, serverTlsInfo(socket, context), false)
  }
  const bare = stream.beginBareTls(plan, unread)
  if (bare !== undefined) return new BareHandshake(stream, bare, 'SSL_accept()', finish).done
  const socket = answeringSocket(stream.beginTls(unread), plan)
  return handshake(stream, socket, 'secure', () => finish(socket))
}

function answeringSocket(
  over: Duplex,
  { secureContext, asksCertificate, byServerName, alpn }: BareTlsServerOptions,
): TLSSocket {
  type Answer = (error: Error | null, context?: ServerTlsContext['secureContext']) => void
  const choose = (name: string, answer: Answer): void => {
    try {
      answer(null, byServerName?.(name))
    } catch (error) {
      answer(error as Error)
    }
  }
  const socket = new TlsSocket(over as never, {
    isServer: true,
    secureContext,
    requestCert: asksCertificate,
    rejectUnauthorized: false,
    ...(byServerName === undefined ? undefined : { SNICallback: choose }),
    ...(alpn === undefined ? undefined : { ALPNProtocols: [alpn] }),
  })
  // Without a tls.Server Node reports faults after the handshake by this event alone, and goes on.
  return socket.on('_tlsError', destroyWith)
}

function serverTlsInfo(socket: TLSSocket | BareTls, context: ServerTlsContext): TlsInfo {
  const serverName = (socket as { servername?: string | false | null }).servername || undefined
  const channelBinding = (type: string): Buffer | undefined => serverChannelBinding(socket, type)
  return { ...cipherInfo(socket), serverName, ...clientCertificate(socket, context), channelBinding }
}

export interface ClientTlsOptions {
  readonly context: ClientTlsContext
  /** The backend as the operator calls it (`host`): the certificate must match it, and it is the SNI unless it is an address. */
  readonly host: string
  /** False for any-cert: the handshake is done, but nobody is checked. */
  readonly verify: boolean
}

/**
 * Client side of a handshake on an open connection (STARTTLS). What the backend sent behind its answer is thrown away.
 * Rejects with TlsFailed or DeadlineExceeded, and the connection is closed then.
 */
export function startTlsClient(stream: SocketStream, options: ClientTlsOptions): Promise<void> {
  if (isUnfit(stream)) return alreadyGone(stream)
  const finish = (socket: TLSSocket | BareTls): void => {
    refuseBadCertificate(socket, options)
    stream.finishTls(socket, backendTlsInfo(socket), true)
  }
  const { secureContext } = options.context
  const bare = stream.beginBareTls({ secureContext, servername: serverNameOf(options.host) }, 'drop')
  if (bare !== undefined) {
    return new BareHandshake(stream, bare, 'SSL_connect()', (socket) => {
      refuseWeakKey(socket)
      finish(socket)
    }).done
  }
  const socket = connect({ ...connectionOptions(options), socket: stream.beginTls('drop') })
  return handshake(stream, socket, 'secureConnect', () => finish(socket))
}

/** More is no name to OpenSSL, whose complaint would meet the next TLS connection that reads, whichever that is. */
const SERVER_NAME_BYTES = 255

/** An address is no server name (RFC 6066 section 3). */
function serverNameOf(host: string): string | undefined {
  const name = isIP(host) === 0 ? host.replace(/\.$/, '') : ''
  return name === '' || Buffer.byteLength(name) > SERVER_NAME_BYTES ? undefined : name
}

/** Node's own limit for `minDHSize`; a TLSSocket asks by itself. */
const LEAST_DH_BITS = 1024

function refuseWeakKey(socket: BareTls): void {
  const bits = socket.ephemeralDhBits() ?? LEAST_DH_BITS
  if (bits < LEAST_DH_BITS)
    throw new TlsFailed('closed', `Connection closed: DH parameter size ${bits} is less than ${LEAST_DH_BITS}`)
}

/** What tls.connect needs for a backend; whether its certificate is good is asked afterwards, with a better answer. */
export function connectionOptions({ context, host, verify }: ClientTlsOptions): ConnectionOptions {
  const servername = serverNameOf(host)
  return {
    secureContext: context.secureContext,
    rejectUnauthorized: false,
    ...(servername === undefined ? undefined : { servername }),
    checkServerIdentity: (_name, certificate) => (verify ? checkServerIdentity(host, certificate) : undefined),
  }
}

/** Throws TlsFailed when the certificate of a backend is not good enough. */
export function refuseBadCertificate(socket: TLSSocket | BareTls, { host, verify, context }: ClientTlsOptions): void {
  const problem = verify ? backendCertificateProblem(socket, host, context.trust) : undefined
  if (problem !== undefined) throw new TlsFailed('certificate', problem)
}

export function backendTlsInfo(socket: TLSSocket | BareTls): TlsInfo {
  return { ...cipherInfo(socket), serverName: undefined, certificateUser: undefined, certificateVerified: false }
}

/** OpenSSL's name for what we were doing. */
type Side = 'SSL_accept()' | 'SSL_connect()'

/** What a socket's fault during a handshake means. */
export function handshakeFailed(error: Error | undefined, side: Side): TlsFailed {
  if (error === undefined || /before secure TLS connection/.test(error.message)) {
    return new TlsFailed('closed', 'Connection closed')
  }
  const code = 'code' in error ? String(error.code) : ''
  if (code.startsWith('ERR_SSL') || 'reason' in error) {
    return new TlsFailed('handshake', `${side} failed: ${faultText(error)}`, { cause: error })
  }
  return new TlsFailed('closed', `Connection closed: ${faultText(error)}`, { cause: error })
}

/**
 * A socket that ended says nothing more, and a handshake over it would wait for its deadline. Words in clear that still wait to be
 * sent Node's TLS would take for its own; who asks for TLS has read what it was told.
 */
function isUnfit(stream: SocketStream): boolean {
  return stream.ended || !stream.writable || stream.queuedBytes > 0
}

function alreadyGone(stream: SocketStream): Promise<never> {
  stream.destroy()
  return Promise.reject(new TlsFailed('closed', 'Connection closed'))
}

function handshake(
  stream: SocketStream,
  socket: TLSSocket,
  event: 'secure' | 'secureConnect',
  done: () => void,
): Promise<void> {
  return new Promise((resolve, reject) => {
    let fault: Error | undefined
    const fail = (error: Error): void => {
      settle()
      socket.on('error', ignore)
      socket.destroy()
      stream.failTls(error)
      reject(error)
    }
    const onFault = (error: Error): void => {
      fault ??= error
    }
    const onClose = (): void => fail(handshakeFailed(fault, event === 'secure' ? 'SSL_accept()' : 'SSL_connect()'))
    // Synchronously: application data may stand right behind the handshake.
    const onSecure = (): void => {
      settle()
      try {
        done()
        resolve()
      } catch (error) {
        fail(error as Error)
      }
    }
    const settle = (): void => {
      socket
        .off(event, onSecure)
        .off('error', onFault)
        .off('_tlsError', onFault)
        .off('end', onClose)
        .off('close', onClose)
    }
    // A half-open socket that ends does not close by itself.
    socket.once(event, onSecure).on('error', onFault).on('_tlsError', onFault).on('end', onClose).on('close', onClose)
    stream.onDeadline(fail)
  })
}

/** The same for a bare socket, which belongs to it meanwhile. */
class BareHandshake implements SocketOwner {
  readonly done: Promise<void>
  readonly #stream: SocketStream
  readonly #socket: BareTls
  readonly #side: Side
  #fault: Error | undefined
  #reject: (error: Error) => void = ignore

  constructor(stream: SocketStream, socket: BareTls, side: Side, finish: (socket: BareTls) => void) {
    this.#stream = stream
    this.#socket = socket
    this.#side = side
    socket.owner = this
    this.done = new Promise((resolve, reject) => {
      this.#reject = reject
      socket.onSecure = () => {
        try {
          finish(socket)
          resolve()
        } catch (error) {
          this.#fail(error as Error)
        }
      }
    })
    stream.onDeadline((error) => this.#fail(error))
    socket.begin()
  }

  socketData(): void {}
  socketDrained(): void {}

  socketFailed(error: Error): void {
    this.#fault ??= error
  }

  socketEnded(): void {
    this.#fail(handshakeFailed(this.#fault, this.#side))
  }

  socketClosed(): void {
    this.socketEnded()
  }

  #fail(error: Error): void {
    this.#socket.owner = NOBODY
    this.#socket.onSecure = undefined
    this.#socket.destroy()
    this.#stream.failTls(error)
    this.#reject(error)
  }
}

function cipherInfo(socket: TLSSocket | BareTls): { protocol: string; cipher: string; bits: number } {
  const { name } = socket.getCipher()
  return { protocol: socket.getProtocol() ?? '', cipher: name, bits: cipherBits(name) }
}

/** Key length by the cipher's name; every cipher that OpenSSL 3 still has says it there or has 256. */
function cipherBits(name: string): number {
  if (/128|CCM8?$/.test(name) && !/256/.test(name)) return 128
  return /3DES|DES-CBC3/.test(name) ? 112 : 256
}

function destroyWith(this: Duplex, error: Error): void {
  this.destroy(error)
}

function ignore(): void {}
