import { type OnReadOpts, Socket } from 'node:net'
import { getSystemErrorMap, getSystemErrorName } from 'node:util'
import type { OnreadHook, OnreadReader } from '../byte-stream.ts'
import { DISCARD, sharedReadBuffer } from '../onread.ts'
import { NOBODY, type SocketOwner } from '../socket-owner.ts'
import type { StreamSocket } from '../stream-socket.ts'
import { type BareBinding, bareBinding, type HandleAddress, type TcpHandle } from './binding.ts'

/** So much may wait to be sent before the source is to wait: Node's own mark. */
const HIGH_WATER_BYTES = 64 * 1024
const UV_EOF = numberOf('EOF')
const UV_ENOTCONN = numberOf('ENOTCONN')
/** What a shutdown returns that has nothing to wait for. */
const DONE_AT_ONCE = 1

/** How a handle knows its socket. */
const SOCKET = Symbol('socket')

type OwnHandle = TcpHandle & { [SOCKET]?: BareSocket }
type OwnRequest = { [SOCKET]?: BareSocket; size?: number; oncomplete: (status: number) => void }

/**
 * A TCP connection without `net.Socket`: no events, no stream, no queue of its own. It behaves as one with `allowHalfOpen`,
 * `noDelay` and an `onread` hook, which it is itself: reads go to `reader`, everything else to `owner`.
 *
 * Rules a maintainer must keep: the handle is closed once and never used after it; a request is used again only when its write
 * was done at once; nothing here may throw out of a callback.
 */
export class BareSocket implements StreamSocket, OnreadHook {
  reader: OnreadReader = DISCARD
  owner: SocketOwner = NOBODY
  /** Runs when the connection is closed, whoever owns it then. */
  onClosed: ((socket: BareSocket) => void) | undefined
  writable = true
  writableLength = 0
  writableNeedDrain = false
  writableFinished = false
  readableEnded = false
  destroyed = false
  readonly #binding: BareBinding
  readonly #handle: OwnHandle
  #buffer: Buffer = sharedReadBuffer()
  #reading = false
  #buffered = false
  #finishing: (() => void)[] | undefined
  /** What `toSocket` made: the connection is its own then. */
  #became: Socket | undefined

  constructor(handle: TcpHandle, binding: BareBinding) {
    this.#binding = binding
    this.#handle = handle
    this.#handle[SOCKET] = this
    this.#handle.onread = onRead
  }

  get handle(): TcpHandle | undefined {
    return this.destroyed ? undefined : this.#handle
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
      this.#handle.useUserBuffer(this.#buffer)
    }
    this.#check(this.#handle.readStart(), 'read')
  }

  pause(): void {
    if (!this.#reading || this.destroyed) return
    this.#reading = false
    this.#check(this.#handle.readStop(), 'read')
  }

  write(data: string | Uint8Array): boolean {
    if (!this.writable) return false
    const { state, lastWriteWasAsync } = this.#binding
    const request = takeRequest(this.#binding)
    const status =
      typeof data === 'string' ? this.#handle.writeLatin1String(request, data) : this.#handle.writeBuffer(request, data)
    if (status !== 0) this.#check(status, 'write')
    else if (state[lastWriteWasAsync] === 0) spareRequest = request
    else this.#waitFor(request, data)
    return !this.writableNeedDrain
  }

  end(done?: () => void): void {
    if (this.#became !== undefined) return void this.#became.end(done)
    if (done !== undefined) {
      if (this.writableFinished || this.destroyed) process.nextTick(done)
      else (this.#finishing ??= []).push(done)
    }
    if (!this.writable) return
    this.writable = false
    const request = new this.#binding.ShutdownRequest() as unknown as OwnRequest
    request[SOCKET] = this
    request.oncomplete = onShutdown
    const status = this.#handle.shutdown(request)
    if (status === DONE_AT_ONCE || status === UV_ENOTCONN) process.nextTick(onShutdown.bind(request), 0)
    else this.#check(status, 'shutdown')
  }

  destroy(error?: Error): void {
    if (this.destroyed) return
    this.destroyed = true
    this.writable = false
    if (this.#became !== undefined) return void this.#became.destroy(error)
    this.writableNeedDrain = false
    if (error !== undefined) process.nextTick(tellFailed, this, error)
    this.#handle.close(() => this.#closed())
    this.#tellFinished()
  }

  local(): HandleAddress {
    const address: HandleAddress = {}
    if (!this.destroyed) this.#handle.getsockname(address)
    return address
  }

  remote(): HandleAddress {
    const address: HandleAddress = {}
    if (!this.destroyed) this.#handle.getpeername(address)
    return address
  }

  /** The same connection as a `net.Socket`, for TLS over it; this one is done with. Nothing is read before its owner wants it. */
  toSocket(): Socket {
    this.pause()
    const onread: OnReadOpts = { buffer: sharedReadBuffer(), callback: () => true }
    const options = {
      handle: this.#handle,
      allowHalfOpen: true,
      readable: true,
      writable: true,
      manualStart: true,
      onread,
    }
    const socket = new Socket(options as unknown as ConstructorParameters<typeof Socket>[0])
    this.#became = socket
    this.owner = NOBODY
    this.reader = DISCARD
    socket.once('close', () => {
      this.destroyed = true
      this.writable = false
      this.#closed()
    })
    return socket
  }

  /** A write that the kernel did not take at once. */
  #waitFor(request: OwnRequest, data: string | Uint8Array): void {
    // Keeps the bytes alive too.
    Object.assign(request, { data })
    request[SOCKET] = this
    request.size = data.length
    this.writableLength += data.length
    if (this.writableLength >= HIGH_WATER_BYTES) this.writableNeedDrain = true
  }

  /** For the requests of this file. */
  written(size: number, status: number): void {
    this.writableLength -= size
    if (this.destroyed) return
    this.#check(status, 'write')
    if (this.writableLength > 0 || !this.writableNeedDrain) return
    this.writableNeedDrain = false
    if (this.writable) this.owner.socketDrained()
  }

  shutDown(status: number): void {
    if (this.destroyed) return
    if (status < 0 && status !== UV_ENOTCONN) return this.#check(status, 'shutdown')
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
    if (status !== UV_EOF) return this.#check(status, 'read')
    this.readableEnded = true
    this.owner.socketEnded()
  }

  #check(status: number, call: string): void {
    if (status < 0) this.destroy(errnoError(status, call))
  }

  #tellFinished(): void {
    const finishing = this.#finishing
    this.#finishing = undefined
    if (finishing !== undefined) for (const done of finishing) done()
  }

  #closed(): void {
    this.onClosed?.(this)
    this.owner.socketClosed()
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
  this[SOCKET]?.shutDown(status)
}

function tellFailed(socket: BareSocket, error: Error): void {
  socket.owner.socketFailed(error)
}
