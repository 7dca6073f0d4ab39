import type { Duplex } from 'node:stream'
import type { Soon } from '../util/soon.ts'
import {
  type ByteStream,
  CLOSE_MS,
  ConnectionLost,
  DeadlineExceeded,
  type DetachedSocket,
  type Endpoint,
  type OnreadHook,
  type OnreadReader,
  READ_AHEAD_BYTES,
  type TlsInfo,
} from './byte-stream.ts'
import { BareSocket } from './bare/bare-socket.ts'
import { BareStream } from './bare/bare-stream.ts'
import type { BareTls, BareTlsOptions } from './bare/bare-tls.ts'
import { closeSocket } from './close-socket.ts'
import { localEndpoint, remoteEndpoint } from './endpoint.ts'
import { faultText } from './fault-text.ts'
import { sharedReadBuffer } from './onread.ts'
import { disown, NOBODY, own, type SocketOwner } from './socket-owner.ts'
import type { StreamSocket } from './stream-socket.ts'
import { type Tap, tapSocket } from './tap.ts'
import { UnreadBytes } from './unread-bytes.ts'
import { NOT_YET, type TakenBytes, takeWanted, type Wanted } from './wanted-bytes.ts'

export interface SocketStreamOptions {
  /** The socket was opened with this `onread` hook. */
  readonly onread?: OnreadHook | undefined
  /** Addresses, when the socket cannot tell them: in memory, or while it is connecting. */
  readonly local?: Endpoint | undefined
  readonly remote?: Endpoint | undefined
  readonly tls?: TlsInfo | undefined
}

type Waiting<T> = { readonly resolve: (value: T) => void; readonly reject: (error: Error) => void }

type Got = TakenBytes | undefined

/** Longer timers run out at once. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/**
 * A ByteStream over a socket: plain, bare, TLS, or any Duplex.
 *
 * Rules a maintainer must keep: after `detach` and `close` the socket tells somebody else; a socket that was paused is resumed by
 * whoever takes bytes; a deadline that passed fails readers even when bytes are here, or a client that keeps sending would
 * outlive it.
 */
export class SocketStream implements ByteStream, OnreadReader, SocketOwner {
  #socket: StreamSocket
  #onread: OnreadHook | undefined
  readonly #unread = new UnreadBytes()
  #local: Endpoint | undefined
  #remote: Endpoint | undefined
  #tls: TlsInfo | undefined
  #bytesIn = 0
  #bytesOut = 0
  #paused = false
  /** The peer sends no more, or the connection is gone, by whomever. */
  #over = false
  #fault: ConnectionLost | undefined
  #endListeners: ((error?: Error) => void)[] | undefined
  #wanted: Wanted | undefined
  #reader: Waiting<Got> | undefined
  #drainers: Waiting<void>[] | undefined
  #deadline: NodeJS.Timeout | undefined
  #deadlineMs: number | undefined
  #expired = false
  #onExpired: ((error: DeadlineExceeded) => void) | undefined
  #tap: Tap | undefined
  #untap: (() => void) | undefined

  constructor(socket: StreamSocket, options: SocketStreamOptions = {}) {
    this.#socket = socket
    this.#onread = options.onread
    this.#local = options.local
    this.#remote = options.remote
    this.#tls = options.tls
    this.listen()
  }

  get local(): Endpoint {
    this.#local ??= localEndpoint(this.#socket)
    return this.#local
  }

  get remote(): Endpoint {
    this.#remote ??= remoteEndpoint(this.#socket)
    return this.#remote
  }

  get tls(): TlsInfo | undefined {
    return this.#tls
  }

  get buffered(): number {
    return this.#unread.size
  }

  get bytesIn(): number {
    return this.#bytesIn
  }

  get bytesOut(): number {
    return this.#bytesOut
  }

  get ended(): boolean {
    return this.#over
  }

  /** Something can still be sent, as far as is known: a write that fails says so before the connection is told over. */
  get writable(): boolean {
    return this.#socket.writable
  }

  readLine(max: number): Soon<string | undefined> {
    return this.#read({ kind: 'line', size: max }) as Soon<string | undefined>
  }

  async readBytes(count: number): Promise<Buffer | undefined> {
    return (await this.#read({ kind: 'bytes', size: count })) as Buffer | undefined
  }

  async readSome(max: number): Promise<Buffer | undefined> {
    return (await this.#read({ kind: 'some', size: max })) as Buffer | undefined
  }

  takeBuffered(): Buffer {
    const bytes = this.#unread.takeAll()
    this.#adjustReading()
    return bytes
  }

  /** Puts bytes back in front of what is unread: a header reader took more than the header. */
  unread(bytes: Buffer): void {
    this.#unread.unread(bytes)
  }

  write(data: string | Uint8Array): void {
    if (data.length === 0 || !this.#socket.writable) return
    this.#bytesOut += data.length
    if (typeof data === 'string') this.#socket.write(data, 'latin1')
    else this.#socket.write(data)
  }

  get queuedBytes(): number {
    return this.#socket.writableLength
  }

  drained(): Promise<void> {
    if (this.#expired) return Promise.reject(new DeadlineExceeded('deadline exceeded'))
    if (!this.#socket.writable) return Promise.reject(this.#fault ?? new ConnectionLost('connection closed'))
    if (!this.#socket.writableNeedDrain) return Promise.resolve()
    return new Promise((resolve, reject) => {
      this.#drainers ??= []
      this.#drainers.push({ resolve, reject })
    })
  }

  setDeadline(ms: number | undefined): void {
    this.#expired = false
    if (ms !== undefined && ms === this.#deadlineMs) {
      this.#deadline?.refresh()
      return
    }
    clearTimeout(this.#deadline)
    this.#deadlineMs = ms
    this.#deadline = ms === undefined ? undefined : setTimeout(() => this.#expire(), Math.min(ms, LONGEST_TIMER_MS))
  }

  onEnd(listener: (error?: Error) => void): void {
    if (this.#over) queueMicrotask(() => listener(this.#fault))
    else if (this.#endListeners === undefined) this.#endListeners = [listener]
    else this.#endListeners.push(listener)
  }

  close(): Promise<void> {
    this.setDeadline(undefined)
    this.#unread.takeAll()
    const closed = closeSocket(this.#socket, CLOSE_MS, this.#onread)
    this.#end(true)
    return closed
  }

  destroy(): void {
    this.setDeadline(undefined)
    own(this.#socket, NOBODY, false)
    this.#socket.destroy()
    this.#end(true)
  }

  detach(): DetachedSocket {
    this.setDeadline(undefined)
    this.#endListeners = undefined
    return {
      socket: this.#socket,
      leftover: this.#unread.takeAll(),
      bytesIn: this.#bytesIn,
      bytesOut: this.#bytesOut,
      ...(this.#onread === undefined ? undefined : { onread: this.#onread }),
    }
  }

  /** Shows every byte from now on, also behind STARTTLS and after `detach`. Not with an `onread` hook, nor a bare socket. */
  tap(tap: Tap): void {
    this.#tap = tap
    this.#untap = tapSocket(this.#socket as Duplex, tap)
  }

  /**
   * Lets go of the socket, no bare one, for a TLS handshake over it. What is unread is thrown away after STARTTLS (it came in clear and
   * must never be taken for what came through TLS), and is fed to the handshake where TLS is expected at once. An
   * `onread` hook goes with the plain socket.
   */
  beginTls(unread: 'drop' | 'feed'): Duplex {
    this.#untap?.()
    const socket = this.#socket as Duplex
    disown(socket)
    this.#onread = undefined
    const bytes = this.#unread.takeAll()
    if (unread === 'feed') {
      socket.pause()
      if (bytes.length > 0) socket.unshift(bytes)
    } else while (socket.read() !== null);
    return socket
  }

  /** As `beginTls`, over a bare socket: what goes through TLS is bare, too. `undefined`: it is none, and nothing has happened. */
  beginBareTls(options: BareTlsOptions, unread: 'drop' | 'feed'): BareTls | undefined {
    if (!(this.#socket instanceof BareSocket)) return undefined
    const tls = this.#socket.toTls(options)
    this.#onread = undefined
    const bytes = this.#unread.takeAll()
    if (unread === 'feed') tls.receive(bytes)
    return tls
  }

  /** The socket this stream was made with has finished its own TLS handshake. */
  finishConnect(tls: TlsInfo): void {
    this.#tls = tls
  }

  /** What `beginTls` started is up: from now on this stream is what goes through TLS. */
  finishTls(socket: Duplex | BareTls, tls: TlsInfo, countFromHere: boolean): void {
    this.#socket = socket
    if (socket instanceof BareStream) this.#onread = socket
    this.#tls = tls
    if (countFromHere) {
      this.#bytesIn = 0
      this.#bytesOut = 0
    }
    if (this.#tap !== undefined) this.tap(this.#tap)
    this.listen()
  }

  /** What `beginTls` started has failed: the connection is over. */
  failTls(fault: Error): void {
    this.#onExpired = undefined
    this.setDeadline(undefined)
    this.#fault = fault instanceof ConnectionLost ? fault : new ConnectionLost(fault.message, { cause: fault })
    // A close that was asked for meanwhile waits for the socket.
    if (!this.#over) own(this.#socket, NOBODY, false)
    this.#socket.destroy()
    this.#end()
  }

  /** Runs when the deadline passes during a handshake. */
  onDeadline(listener: (error: DeadlineExceeded) => void): void {
    if (this.#expired) listener(new DeadlineExceeded('deadline exceeded'))
    else this.#onExpired = listener
  }

  take(buffer: Buffer, count: number): boolean {
    this.#bytesIn += count
    this.#unread.copy(buffer, count)
    this.#wake()
    return !this.#holdBack()
  }

  nextBuffer(): Buffer {
    return sharedReadBuffer()
  }

  socketData(chunk: Buffer): void {
    this.#bytesIn += chunk.length
    this.#unread.adopt(chunk)
    this.#wake()
    if (this.#holdBack()) this.#socket.pause()
  }

  socketDrained(): void {
    const drainers = this.#drainers
    this.#drainers = undefined
    if (drainers !== undefined) for (const { resolve } of drainers) resolve()
    this.#wake()
  }

  socketEnded(): void {
    this.#end()
  }

  socketFailed(error: Error): void {
    this.#fault ??= new ConnectionLost(faultText(error), { cause: error })
  }

  socketClosed(): void {
    this.#end(true)
  }

  /** Becomes the socket's owner. Whoever has taken the socket meanwhile gives it back so. */
  listen(): void {
    this.#onExpired = undefined
    if (this.#onread !== undefined) this.#onread.reader = this
    own(this.#socket, this, this.#onread === undefined)
  }

  #read(wanted: Wanted): Soon<Got> {
    if (this.#reader !== undefined) return Promise.reject(new Error('two readers at once'))
    const got = this.#attempt(wanted)
    if (got instanceof Error) return Promise.reject(got)
    if (got !== NOT_YET) {
      if (this.#paused) this.#adjustReading()
      return got
    }
    this.#wanted = wanted
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject }
      this.#adjustReading()
    })
  }

  #attempt(wanted: Wanted): Got | Error | typeof NOT_YET {
    if (this.#expired) return new DeadlineExceeded('deadline exceeded')
    if (this.#socket.writableNeedDrain && !this.#over) return NOT_YET
    const got = takeWanted(this.#unread, wanted)
    if (got !== NOT_YET) return got
    if (this.#fault !== undefined) return this.#fault
    return this.#over ? undefined : NOT_YET
  }

  /** Gives a waiting reader what it waits for, if that is here now. */
  #wake(): void {
    const reader = this.#reader
    if (this.#wanted === undefined || reader === undefined) return
    const got = this.#attempt(this.#wanted)
    if (got === NOT_YET) return
    this.#wanted = undefined
    this.#reader = undefined
    if (got instanceof Error) reader.reject(got)
    else reader.resolve(got)
    this.#adjustReading()
  }

  /** Whether enough is read ahead; remembers that the socket is to be paused for it. */
  #holdBack(): boolean {
    this.#paused = this.#unread.size >= this.#readAhead()
    return this.#paused
  }

  #adjustReading(): void {
    if (!this.#paused || this.#unread.size >= this.#readAhead()) return
    this.#paused = false
    this.#socket.resume()
  }

  /** A reader that waits for more than the usual read-ahead gets it: its size is its caller's limit. */
  #readAhead(): number {
    return this.#wanted === undefined ? READ_AHEAD_BYTES : Math.max(READ_AHEAD_BYTES, this.#wanted.size)
  }

  #expire(): void {
    this.#expired = true
    const error = new DeadlineExceeded('deadline exceeded')
    this.#failDrainers(error)
    this.#onExpired?.(error)
    this.#wake()
  }

  #failDrainers(error: Error): void {
    const drainers = this.#drainers
    this.#drainers = undefined
    if (drainers !== undefined) for (const { reject } of drainers) reject(error)
  }

  /** `isGone`: there is nothing to be written to, either. */
  #end(isGone = false): void {
    if (!this.#over) {
      this.#over = true
      const listeners = this.#endListeners
      this.#endListeners = undefined
      if (listeners !== undefined) for (const listener of listeners) listener(this.#fault)
    }
    if (isGone && this.#drainers !== undefined)
      this.#failDrainers(this.#fault ?? new ConnectionLost('connection closed'))
    this.#wake()
  }
}
