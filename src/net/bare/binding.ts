import { nodeBinding } from '../node-binding.ts'

/**
 * The layer below `net.Socket`, as far as it is used here: handles of libuv, requests that wait for them, and a small array in
 * which Node leaves the result of the last operation. Node keeps it for old programs behind `process.binding`, without
 * documentation and without a promise: `bareSelfTest` asks it everything that is relied upon, in a process of its own.
 */

/** What carries bytes both ways: TCP, or TLS over it. Numbers returned are 0 or a negative errno. */
export interface StreamHandle {
  /** Called after each read, and with a negative number at its end. Bytes are in the buffer given last. What it returns is the next buffer. */
  onread: (this: StreamHandle) => Uint8Array | undefined
  readStart(): number
  readStop(): number
  /** Where reads go, until `onread` returns something else. */
  useUserBuffer(buffer: Uint8Array): void
  writeBuffer(request: WriteRequest, bytes: Uint8Array): number
  writeLatin1String(request: WriteRequest, text: string): number
  /** FIN behind what is queued. 1: there is nothing to wait for. */
  shutdown(request: ShutdownRequest): number
}

/** A TCP connection. */
export interface TcpHandle extends StreamHandle {
  close(onClosed?: () => void): void
  setNoDelay(on: boolean): number
  bind(ip: string, port: number): number
  bind6(ip: string, port: number, flags: number): number
  connect(request: ConnectRequest, ip: string, port: number): number
  connect6(request: ConnectRequest, ip: string, port: number): number
  getpeername(out: HandleAddress): number
  getsockname(out: HandleAddress): number
}

/**
 * One end of TLS over a TCP connection, which stays open until it is closed itself. One write at a time: a second one before
 * the first is complete aborts the process. After `destroySSL` nothing may be asked any more.
 */
export interface TlsHandle extends StreamHandle {
  /** Once, or more often: the handshake is done. What came behind it has not been read yet. */
  onhandshakedone: (this: TlsHandle) => void
  /** OpenSSL gave up. An alert was sent. */
  onerror: (this: TlsHandle, error: Error) => void
  /** After `enableCertCb`: the handshake waits for `certCbDone`. */
  oncertcb: (this: TlsHandle, info: { readonly servername?: string | false }) => void
  sni_context?: unknown
  /** A client's first word; once. */
  start(): void
  setServername(name: string): void
  enableCertCb(): void
  certCbDone(): void
  setVerifyMode(asks: boolean, refuses: boolean): void
  /** Names with their lengths before them (RFC 7301 section 3.1). */
  setALPNProtocols(names: Uint8Array): void
  /** Bytes of the peer that were read before. */
  receive(bytes: Uint8Array): void
  getServername(): string | false
  getProtocol(): string | null
  getCipher(): { readonly name: string }
  /** With `raw`, in DER; undefined when the peer sent none. `whole`: with all that signed it. */
  getPeerCertificate(whole: boolean): { readonly raw?: Buffer } | undefined
  getCertificate(): { readonly raw?: Buffer } | undefined
  /** A key of the finite field: `DH` with its size in bits. */
  getEphemeralKeyInfo(): { readonly type?: string; readonly size?: number } | null
  verifyError(): (Error & { code?: string }) | null
  exportKeyingMaterial(length: number, label: string, context?: Uint8Array): Buffer
  destroySSL(): void
}

/** A socket that listens: Node's own server has one as `_handle`. */
export interface ListeningHandle {
  onconnection: (status: number, client: TcpHandle | undefined) => void
}

export interface HandleAddress {
  address?: string
  port?: number
}

/** Kept alive by Node while its operation waits. `oncomplete` gets 0 or a negative errno. */
export interface WriteRequest {
  oncomplete: (this: WriteRequest, status: number) => void
}
export interface ShutdownRequest {
  oncomplete: (this: ShutdownRequest, status: number) => void
}
export interface ConnectRequest {
  oncomplete: (this: ConnectRequest, status: number) => void
}

export interface BareBinding {
  readonly Tcp: new (type: number) => TcpHandle
  readonly WriteRequest: new () => WriteRequest
  readonly ShutdownRequest: new () => ShutdownRequest
  readonly ConnectRequest: new () => ConnectRequest
  /** `context`: what `createSecureContext` returns has it as `context`. `hasActiveWrite`: something waits to be sent in clear. */
  readonly wrapTls: (handle: TcpHandle, context: unknown, isServer: boolean, hasActiveWrite: boolean) => TlsHandle
  /** The `type` of a connection. */
  readonly socketType: number
  /** Results of the last operation, at the two places that follow. */
  readonly state: Int32Array
  readonly readBytesOrError: number
  readonly lastWriteWasAsync: number
}

interface TcpBinding {
  readonly TCP: BareBinding['Tcp']
  readonly TCPConnectWrap: BareBinding['ConnectRequest']
  readonly constants: { readonly SOCKET: number }
}

interface StreamBinding {
  readonly WriteWrap: BareBinding['WriteRequest']
  readonly ShutdownWrap: BareBinding['ShutdownRequest']
  readonly streamBaseState: Int32Array
  readonly kReadBytesOrError: number
  readonly kLastWriteWasAsync: number
}

interface TlsBinding {
  readonly wrap: BareBinding['wrapTls']
}

/** The variable of the environment that tells a process not to use it. */
export const BARE_SOCKETS = 'POSTERN_BARE_SOCKETS'
export const NO_BARE_SOCKETS = 'no'

/** `undefined` where this Node does not have it. */
function openBareBinding(): BareBinding | undefined {
  try {
    if (process.env[BARE_SOCKETS] === NO_BARE_SOCKETS) return undefined
    const { TCP, TCPConnectWrap, constants } = nodeBinding('tcp_wrap') as TcpBinding
    const streams = nodeBinding('stream_wrap') as StreamBinding
    const { WriteWrap, ShutdownWrap, streamBaseState, kReadBytesOrError, kLastWriteWasAsync } = streams
    const { wrap } = nodeBinding('tls_wrap') as TlsBinding
    const classes: readonly unknown[] = [TCP, TCPConnectWrap, WriteWrap, ShutdownWrap, wrap]
    const numbers: readonly unknown[] = [constants.SOCKET, kReadBytesOrError, kLastWriteWasAsync]
    if (!classes.every((value) => typeof value === 'function')) return undefined
    if (!numbers.every((value) => typeof value === 'number') || !(streamBaseState instanceof Int32Array))
      return undefined
    return {
      Tcp: TCP,
      WriteRequest: WriteWrap,
      ShutdownRequest: ShutdownWrap,
      ConnectRequest: TCPConnectWrap,
      wrapTls: wrap,
      socketType: constants.SOCKET,
      state: streamBaseState,
      readBytesOrError: kReadBytesOrError,
      lastWriteWasAsync: kLastWriteWasAsync,
    }
  } catch {
    return undefined
  }
}

export const bareBinding: BareBinding | undefined = openBareBinding()
