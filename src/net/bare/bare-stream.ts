import { getSystemErrorMap, getSystemErrorName } from 'node:util'
import type { OnreadHook, OnreadReader } from '../byte-stream.ts'
import { DISCARD, sharedReadBuffer } from '../onread.ts'
import { NOBODY, type SocketOwner } from '../socket-owner.ts'
import type { StreamSocket } from '../stream-socket.ts'
import { type BareBinding, bareBinding, type HandleAddress, type StreamHandle, type TcpHandle } from './binding.ts'

/** So much may wait to be sent before the source is to wait: Node's own mark. */
const HIGH_WATER_BYTES = 64 * 1024
const UV_EOF = numberOf('EOF')
const UV_ENOTCONN = numberOf('ENOTCONN')
/** What a shutdown returns that has nothing to wait for. */
const DONE_AT_ONCE = 1

/** How a handle, and a request, knows its socket. */
const SOCKET = Symbol('socket')

type OwnHandle = StreamHandle & { [SOCKET]?: BareStream }
/** A request that waits keeps its socket and its bytes alive. */
type OwnRequest = {
  [SOCKET]?: BareStream | undefined
  data?: string | Uint8Array | undefined
  size?: number
  oncomplete: (status: number) => void
}

/**
 * A connection without `net.Socket`: no events and no stream. It behaves as one with `allowHalfOpen`, `noDelay` and an `onread`
 * hook, which it is itself: reads go to `reader`, everything else to `owner`.
 *
 * Rules a maintainer must keep: the handle is closed once and never used after it; a request is used again only when its write
 * was done at once; nothing here may throw out of a callback.
 */
export abstract class BareStream implements StreamSocket, OnreadHook {
  reader: OnreadReader = DISCARD
  owner: SocketOwner = NOBODY
  /** Runs when the connection is closed, whoever owns it then. */
  onClosed: (() => void) | undefined
  writable = true
  writableLength = 0
  writableNeedDrain = false
  writableFinished = false
  readableEnded = false
  destroyed = false
  protected readonly binding: BareBinding
  /** What is closed. */
  protected readonly tcp: TcpHandle
  /** What is read and written: the same, or TLS over it. */
  readonly #stream: OwnHandle
  #buffer: Buffer = sharedReadBuffer()
  #reading = false
  #buffered = false
  #finishing: (() => void)[] | undefined

  constructor(tcp: TcpHandle, stream: StreamHandle, binding: BareBinding) {
    this.binding = binding
    this.tcp = tcp
    this.#stream = stream
    this.#stream[SOCKET] = this
    this.#stream.onread = onRead
  }

  get readableFlowing(): boolean {
    return this.#reading
  }

  isPaused(): boolean {
    return !this.#reading
  }

  resume(): void {
    if (this.#reading || this.readableEnded || this.destroyed) return
    this.#reading = true
    if (!this.#buffered) {
      this.#buffered = true
      this.#stream.useUserBuffer(this.#buffer)
    }
    this.check(this.#stream.readStart(), 'read')
  }

  pause(): void {
    if (!this.#reading || this.destroyed) return
    this.#reading = false
    this.check(this.#stream.readStop(), 'read')
  }

  /** The next read goes to the shared buffer, whatever the reader wanted when it was asked last. */
  forgetBuffer(): void {
    if (this.destroyed) return
    this.#buffer = sharedReadBuffer()
    if (this.#buffered) this.#stream.useUserBuffer(this.#buffer)
  }

  abstract write(data: string | Uint8Array): boolean

  /** Whether all is sent that `end` has to wait for. */
  protected abstract mayShutDown(): boolean

  end(done?: () => void): void {
    if (done !== undefined) {
      if (this.writableFinished || this.destroyed) process.nextTick(done)
      else (this.#finishing ??= []).push(done)
    }
    if (!this.writable) return
    this.writable = false
    if (this.mayShutDown()) this.shutDown()
  }

  destroy(error?: Error): void {
    if (this.destroyed) return
    this.destroyed = true
    this.writable = false
    this.writableNeedDrain = false
    if (error !== undefined) process.nextTick(tellFailed, this, error)
    this.close()
    this.#tellFinished()
  }

  local(): HandleAddress {
    const address: HandleAddress = {}
    if (!this.destroyed) this.tcp.getsockname(address)
    return address
  }

  remote(): HandleAddress {
    const address: HandleAddress = {}
    if (!this.destroyed) this.tcp.getpeername(address)
    return address
  }

  /** Closes the handle; `closed` follows. */
  protected close(): void {
    this.tcp.close(() => this.closed())
  }

  protected closed(): void {
    this.onClosed?.()
    this.owner.socketClosed()
  }

  /** Gives bytes to the handle. Returns whether a callback will say that it has sent them; a fault destroys the socket. */
  protected send(data: string | Uint8Array): boolean {
    const { state, lastWriteWasAsync } = this.binding
    const request = takeRequest(this.binding)
    // Before the call: TLS tells of a peer that is gone within it.
    request[SOCKET] = this
    request.data = data
    request.size = data.length
    const status =
      typeof data === 'string' ? this.#stream.writeLatin1String(request, data) : this.#stream.writeBuffer(request, data)
    if (status !== 0) {
      this.check(status, 'write')
      return false
    }
    if (state[lastWriteWasAsync] !== 0) return true
    request[SOCKET] = undefined
    request.data = undefined
    spareRequest = request
    return false
  }

  /** FIN behind what is sent. */
  protected shutDown(): void {
    const request = new this.binding.ShutdownRequest() as unknown as OwnRequest
    request[SOCKET] = this
    request.oncomplete = onShutdown
    const status = this.#stream.shutdown(request)
    if (status === DONE_AT_ONCE || status === UV_ENOTCONN) process.nextTick(onShutdown.bind(request), 0)
    else this.check(status, 'shutdown')
  }

  protected check(status: number, call: string): void {
    if (status < 0) this.destroy(errnoError(status, call))
  }

  /** More waits now. */
  protected wait(size: number): void {
    this.writableLength += size
    if (this.writableLength >= HIGH_WATER_BYTES) this.writableNeedDrain = true
  }

  /** A write that waited is complete, or failed. For the requests of this file. */
  written(size: number, status: number): void {
    this.writableLength -= size
    if (this.destroyed) return
    this.check(status, 'write')
    if (this.writableLength > 0 || !this.writableNeedDrain) return
    this.writableNeedDrain = false
    if (this.writable) this.owner.socketDrained()
  }

  /** For the requests of this file. */
  hasShutDown(status: number): void {
    if (this.destroyed) return
    if (status < 0 && status !== UV_ENOTCONN) return this.check(status, 'shutdown')
    this.writableFinished = true
    this.#tellFinished()
  }

  /** `count` bytes were read, or the connection says it is over. Returns the buffer for the next read when it is another. */
  read(count: number): Buffer | undefined {
    if (this.destroyed || count === 0) return undefined
    if (count < 0) {
      this.#readEnded(count)
      return undefined
    }
    const buffer = this.#buffer
    if (!this.reader.take(buffer, count)) this.pause()
    const next = this.reader.nextBuffer()
    if (next === buffer) return undefined
    this.#buffer = next
    return next
  }

  #readEnded(status: number): void {
    this.#reading = false
    if (status !== UV_EOF) return this.check(status, 'read')
    this.readableEnded = true
    this.owner.socketEnded()
  }

  #tellFinished(): void {
    const finishing = this.#finishing
    this.#finishing = undefined
    if (finishing !== undefined) for (const done of finishing) done()
  }
}

function numberOf(name: string): number {
  for (const [number, [known]] of getSystemErrorMap()) if (known === name) return number
  throw new Error(`no errno ${name}`)
}

/** An error as Node makes them, with its `code`. */
export function errnoError(status: number, syscall: string): Error & { readonly code: string } {
  const code = getSystemErrorName(status)
  return Object.assign(new Error(`${syscall} ${code}`), { code, errno: status, syscall })
}

/** A write that was done at once leaves its request as it was. */
let spareRequest: OwnRequest | undefined

function takeRequest(binding: BareBinding): OwnRequest {
  const spare = spareRequest
  if (spare !== undefined) {
    spareRequest = undefined
    return spare
  }
  const request = new binding.WriteRequest() as unknown as OwnRequest
  request.oncomplete = onWritten
  return request
}

function onRead(this: OwnHandle): Buffer | undefined {
  const { state, readBytesOrError } = bareBinding as BareBinding
  return this[SOCKET]?.read(state[readBytesOrError] ?? UV_EOF)
}

function onWritten(this: OwnRequest, status: number): void {
  this[SOCKET]?.written(this.size ?? 0, status)
}

function onShutdown(this: OwnRequest, status: number): void {
  this[SOCKET]?.hasShutDown(status)
}

function tellFailed(socket: BareStream, error: Error): void {
  socket.owner.socketFailed(error)
}
