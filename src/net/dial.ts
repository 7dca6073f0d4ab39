import { connect as connectPlain, Socket, type TcpNetConnectOpts } from 'node:net'
import { connect as connectTls, type ConnectionOptions, type TLSSocket } from 'node:tls'
import type { Cancellable } from '../util/cancellation.ts'
import { connectBare } from './bare/connect.ts'
import { DeadlineExceeded, type Endpoint, type OnreadHook } from './byte-stream.ts'
import { localEndpoint } from './endpoint.ts'
import { codeOf, errnoText } from './fault-text.ts'
import { createOnread } from './onread.ts'
import { own, type SocketOwner } from './socket-owner.ts'
import { SocketStream } from './socket-stream.ts'
import type { StreamSocket } from './stream-socket.ts'
import {
  backendTlsInfo,
  type ClientTlsOptions,
  connectionOptions,
  handshakeFailed,
  refuseBadCertificate,
  startTlsClient,
  type TlsFailed,
} from './tls.ts'

export interface DialOptions {
  /** IPv4 or IPv6, never a name. */
  readonly ip: string
  readonly port: number
  /** Local address to connect from; must be of the same family. */
  readonly sourceIp?: string | undefined
  /** TLS from the first byte. STARTTLS comes later, with `startTlsClient`. */
  readonly tls?: ClientTlsOptions | undefined
  /** Reads go through Node's `onread`, so that the relay can give the connection larger buffers. Not for STARTTLS. */
  readonly onread: boolean
  /** From now on. It goes on counting as the stream's deadline: whoever gets the stream sets another or takes it away. */
  readonly timeoutMs: number
  /** A bare socket, where this Node has them: with `onread`. */
  readonly bare?: boolean | undefined
  readonly signal?: Cancellable | undefined
}

/**
 * What a connection attempt died of. `timeout` is our own limit, `tls-timeout` the same while the backend owed its half of a
 * handshake; the kernel's is a `connect` fault with ETIMEDOUT.
 */
export type DialFault = 'connect' | 'bind' | 'timeout' | 'tls-timeout' | 'tls' | 'certificate' | 'closed' | 'aborted'

/** A connection that did not come up. The message is Dovecot's: `connect(10.0.0.1, 143) failed: Connection refused`. */
export class DialFailed extends Error {
  override readonly name = 'DialFailed'
  readonly fault: DialFault
  /** The errno's name, where there was one. */
  readonly code: string | undefined
  /** Our end of the attempt, for the log's `local=`; absent when it never had one. */
  readonly local: Endpoint | undefined

  constructor(fault: DialFault, message: string, local: Endpoint | undefined, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause })
    this.fault = fault
    this.code = codeOf(cause)
    this.local = local
  }
}

/** Opens a connection to a backend, TLS included. Rejects with DialFailed. */
export function dial(options: DialOptions): Promise<SocketStream> {
  if (options.signal?.aborted) return Promise.reject(new DialFailed('aborted', 'aborted', undefined))
  return new Promise((resolve, reject) => new Attempt(options, resolve, reject))
}

class Attempt implements SocketOwner {
  readonly #options: DialOptions
  readonly #resolve: (stream: SocketStream) => void
  readonly #reject: (error: DialFailed) => void
  readonly #socket: StreamSocket
  readonly #stream: SocketStream
  #local: Endpoint | undefined
  #connected = false

  constructor(options: DialOptions, resolve: (stream: SocketStream) => void, reject: (error: DialFailed) => void) {
    this.#options = options
    this.#resolve = resolve
    this.#reject = reject
    const { socket, onread } = this.#open()
    this.#socket = socket
    this.#stream = new SocketStream(socket, { onread, remote: { ip: options.ip, port: options.port } })
    own(socket, this, false)
    this.#stream.setDeadline(options.timeoutMs)
    this.#stream.onDeadline(this.#onTimeout)
    options.signal?.addEventListener('abort', this.#onAbort)
  }

  #open(): { socket: StreamSocket; onread: OnreadHook | undefined } {
    const options = this.#options
    if (options.bare === true && options.onread) {
      const bare = connectBare(options, this.#onBare)
      if (bare !== undefined) return { socket: bare, onread: bare }
    }
    const onread = options.onread ? createOnread() : undefined
    const socket = open(options, onread?.option)
    socket.on('connectionAttemptFailed', this.#noteLocal)
    socket.on('connect', this.#onConnect)
    if (options.tls !== undefined) socket.on('secureConnect', this.#onSecure)
    return { socket, onread: onread?.hook }
  }

  readonly #onBare = (error: Error | undefined): void => {
    if (error === undefined) {
      this.#onConnect()
      if (this.#options.tls === undefined) this.#socket.resume()
      else this.#startTls(this.#options.tls)
    } else {
      this.#noteLocal()
      this.socketFailed(error)
    }
  }

  /** While the socket is still open: afterwards nobody knows our port any more. */
  readonly #noteLocal = (): void => {
    const local = localEndpoint(this.#socket)
    if (local.port !== 0) this.#local = local
  }

  readonly #onConnect = (): void => {
    this.#connected = true
    if (this.#options.tls === undefined) this.#succeed()
    else this.#noteLocal()
  }

  /** Over a bare socket; others do it by themselves. */
  #startTls(options: ClientTlsOptions): void {
    startTlsClient(this.#stream, options).then(
      () => this.#succeed(),
      (error: TlsFailed | DeadlineExceeded) => {
        if (error instanceof DeadlineExceeded) this.#fail('tls-timeout', 'Timed out')
        else this.#failTls(error)
      },
    )
  }

  readonly #onSecure = (): void => {
    const socket = this.#socket as TLSSocket
    try {
      if (this.#options.tls !== undefined) refuseBadCertificate(socket, this.#options.tls)
    } catch (error) {
      this.#failTls(error as TlsFailed)
      return
    }
    this.#stream.finishConnect(backendTlsInfo(socket))
    this.#succeed()
  }

  socketData(): void {}
  socketEnded(): void {}
  socketDrained(): void {}

  socketFailed(error: Error): void {
    if (this.#connected) this.#failTls(handshakeFailed(error, 'SSL_connect()'))
    else this.#failConnect(error)
  }

  socketClosed(): void {
    this.#failTls(handshakeFailed(undefined, 'SSL_connect()'))
  }

  readonly #onTimeout = (): void => {
    this.#noteLocal()
    this.#fail(this.#connected ? 'tls-timeout' : 'timeout', 'Timed out')
  }

  readonly #onAbort = (): void => this.#fail('aborted', 'aborted')

  #failConnect(error: Error): void {
    const { ip, port, sourceIp } = this.#options
    const bind = 'syscall' in error && error.syscall === 'bind'
    const what = bind ? `bind(${sourceIp})` : `connect(${ip}, ${port})`
    this.#fail(bind ? 'bind' : 'connect', `${what} failed: ${errnoText(codeOf(error) ?? error.message)}`, error)
  }

  #failTls(error: TlsFailed): void {
    this.#fail(error.fault === 'handshake' ? 'tls' : error.fault, error.message, error.cause)
  }

  #fail(fault: DialFault, message: string, cause?: unknown): void {
    this.#settle()
    this.#stream.destroy()
    this.#reject(new DialFailed(fault, message, this.#local, cause))
  }

  #succeed(): void {
    this.#settle()
    this.#stream.listen()
    this.#resolve(this.#stream)
  }

  #settle(): void {
    this.#options.signal?.removeEventListener('abort', this.#onAbort)
    const socket = this.#socket
    if (!(socket instanceof Socket)) return
    socket.off('connectionAttemptFailed', this.#noteLocal).off('connect', this.#onConnect)
    if (this.#options.tls !== undefined) socket.off('secureConnect', this.#onSecure)
  }
}

function open({ ip, port, sourceIp, tls }: DialOptions, onread: ReturnType<typeof createOnread>['option'] | undefined) {
  const options: TcpNetConnectOpts = {
    host: ip,
    port,
    noDelay: true,
    allowHalfOpen: true,
    ...(sourceIp === undefined ? undefined : { localAddress: sourceIp }),
    ...(onread === undefined ? undefined : { onread }),
  }
  if (tls === undefined) return connectPlain(options)
  return connectTls({ ...options, ...connectionOptions(tls) } as ConnectionOptions)
}
