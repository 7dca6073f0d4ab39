import { isIP } from 'node:net'
import type { Duplex } from 'node:stream'
import { checkServerIdentity, type ConnectionOptions, connect, type TLSSocket, TLSSocket as TlsSocket } from 'node:tls'
import type { TlsInfo } from './byte-stream.ts'
import { serverChannelBinding } from './channel-binding.ts'
import { faultText } from './fault-text.ts'
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
  let { context } = options
  const { byServerName, alpn } = options
  const choose = (
    name: string,
    done: (error: Error | null, chosen?: ServerTlsContext['secureContext']) => void,
  ): void => {
    try {
      context = byServerName?.(name) ?? context
      done(null, context.secureContext)
    } catch (error) {
      done(error as Error)
    }
  }
  const socket = new TlsSocket(stream.beginTls(options.unread) as never, {
    isServer: true,
    secureContext: context.secureContext,
    requestCert: context.asksCertificate,
    rejectUnauthorized: false,
    ...(byServerName === undefined ? undefined : { SNICallback: choose }),
    ...(alpn === undefined ? undefined : { ALPNProtocols: [alpn] }),
  })
  // Without a tls.Server Node reports faults after the handshake by this event alone, and goes on.
  socket.on('_tlsError', destroyWith)
  return handshake(stream, socket, 'secure', () => {
    const serverName = (socket as { servername?: string | false | null }).servername || undefined
    const channelBinding = (type: string): Buffer | undefined => serverChannelBinding(socket, type)
    const certificate = clientCertificate(socket, context)
    stream.finishTls(socket, { ...cipherInfo(socket), serverName, ...certificate, channelBinding }, false)
  })
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
  const socket = connect({ ...connectionOptions(options), socket: stream.beginTls('drop') })
  return handshake(stream, socket, 'secureConnect', () => {
    refuseBadCertificate(socket, options)
    stream.finishTls(socket, backendTlsInfo(socket), true)
  })
}

/** What tls.connect needs for a backend; whether its certificate is good is asked afterwards, with a better answer. */
export function connectionOptions({ context, host, verify }: ClientTlsOptions): ConnectionOptions {
  return {
    secureContext: context.secureContext,
    rejectUnauthorized: false,
    // An address is no server name (RFC 6066 section 3).
    ...(isIP(host) === 0 ? { servername: host.replace(/\.$/, '') } : undefined),
    checkServerIdentity: (_name, certificate) => (verify ? checkServerIdentity(host, certificate) : undefined),
  }
}

/** Throws TlsFailed when the certificate of a backend is not good enough. */
export function refuseBadCertificate(socket: TLSSocket, { host, verify, context }: ClientTlsOptions): void {
  const problem = verify ? backendCertificateProblem(socket, host, context.trust) : undefined
  if (problem !== undefined) throw new TlsFailed('certificate', problem)
}

export function backendTlsInfo(socket: TLSSocket): TlsInfo {
  return { ...cipherInfo(socket), serverName: undefined, certificateUser: undefined, certificateVerified: false }
}

/** What a socket's fault during a handshake means. `side` is OpenSSL's name for what we were doing. */
export function handshakeFailed(error: Error | undefined, side: 'SSL_accept()' | 'SSL_connect()'): TlsFailed {
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
  return stream.ended || stream.queuedBytes > 0
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

function cipherInfo(socket: TLSSocket): { protocol: string; cipher: string; bits: number } {
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
