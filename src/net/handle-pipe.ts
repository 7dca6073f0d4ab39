import { Socket } from 'node:net'
import { StringDecoder } from 'node:string_decoder'
import { BareSocket } from './bare/bare-socket.ts'
import { handleBelow, nodeBinding } from './node-binding.ts'

/**
 * UNIX sockets that carry lines of JSON and open connections (SCM_RIGHTS) between processes that are not each other's parent.
 * Node does this for a parent and its child only, through the pipe it makes when it starts one; the same pipe is reached here
 * through `process.binding`, which Node keeps for old programs. `handlePipes` is undefined where it is not there.
 *
 * Rules to keep: what is sent before a connection must be sent no later than with it; the kernel gives one connection with each read,
 * so lines that announce one (`+`) take them in their order.
 */
export interface HandlePipe {
  /** Whoever hears what comes; set in the same turn in which the pipe was got. */
  owner: HandlePipeOwner | undefined
  readonly isOpen: boolean
  /** Says it, once the other things of this turn are said too. */
  send(message: unknown): void
  /**
   * Says it and sends the connection along, at once; here it stays open, and must until `onSent` tells whether the kernel has both.
   */
  sendSocket(message: unknown, socket: Socket | BareSocket, onSent: (isSent: boolean) => void): void
  /** What was sent before still leaves, unless the other side does not read. */
  close(): void
}

export interface HandlePipeOwner {
  pipeMessage(message: unknown, socket: Socket | undefined): void
  /** Once; also after `close`. */
  pipeClosed(): void
}

export interface HandlePipes {
  /** Rejects when nobody listens. */
  connect(path: string): Promise<HandlePipe>
  /** Throws when it cannot listen. */
  listen(path: string, onPipe: (pipe: HandlePipe) => void): { close(): void }
}

/** More than any message has: the other side is one of our processes, and broken. */
const MESSAGE_CHARACTERS = 16 * 1024 * 1024
const BACKLOG = 64

/** A connection as Node's own code knows it. */
interface Handle {
  close(): void
}

interface PipeHandle extends Handle {
  readonly fd: number
  onread: (this: PipeHandle, bytes: ArrayBuffer | undefined) => void
  onconnection: (status: number, client: PipeHandle | undefined) => void
  pendingHandle?: Handle | null
  open(fd: number): number
  bind(path: string): number
  listen(backlog: number): number
  connect(request: object, path: string): number
  readStart(): number
  unref(): void
  writeUtf8String(request: object, text: string, handle?: Handle): number
}

interface PipeBinding {
  readonly Pipe: new (type: number) => PipeHandle
  readonly PipeConnectWrap: new () => { oncomplete: (status: number) => void }
  readonly constants: { readonly SOCKET: number; readonly SERVER: number; readonly IPC: number }
}

interface StreamBinding {
  readonly WriteWrap: new () => { oncomplete: (status: number) => void }
  readonly kReadBytesOrError: number
  readonly kArrayBufferOffset: number
  readonly kLastWriteWasAsync: number
  readonly streamBaseState: Int32Array
}

function openHandlePipes(): HandlePipes | undefined {
  try {
    const pipes = nodeBinding('pipe_wrap') as PipeBinding
    const streams = nodeBinding('stream_wrap') as StreamBinding
    const isThere = typeof pipes.Pipe === 'function' && typeof pipes.constants?.IPC === 'number'
    return isThere && streams.streamBaseState !== undefined ? new NodePipes(pipes, streams) : undefined
  } catch {
    return undefined
  }
}

class NodePipes implements HandlePipes {
  readonly #pipes: PipeBinding
  readonly #streams: StreamBinding

  constructor(pipes: PipeBinding, streams: StreamBinding) {
    this.#pipes = pipes
    this.#streams = streams
  }

  connect(path: string): Promise<HandlePipe> {
    const { Pipe, PipeConnectWrap, constants } = this.#pipes
    const pipe = new Pipe(constants.IPC)
    return new Promise((resolve, reject) => {
      const fail = (status: number): void => {
        pipe.close()
        reject(new Error(`connect(${path}) failed: ${status}`))
      }
      const request = new PipeConnectWrap()
      request.oncomplete = (status) => (status < 0 ? fail(status) : resolve(new OpenPipe(pipe, this.#streams)))
      const status = pipe.connect(request, path)
      if (status < 0) fail(status)
    })
  }

  listen(path: string, onPipe: (pipe: HandlePipe) => void): { close(): void } {
    const { Pipe, constants } = this.#pipes
    const server = new Pipe(constants.SERVER)
    server.onconnection = (status, client) => {
      if (status < 0 || client === undefined) return
      // What was accepted cannot carry connections; a second look at the same socket can. The first is never read, nor closed.
      client.unref()
      const pipe = new Pipe(constants.IPC)
      if (pipe.open(client.fd) < 0) client.close()
      else onPipe(new OpenPipe(pipe, this.#streams))
    }
    const status = server.bind(path) || server.listen(BACKLOG)
    if (status < 0) throw new Error(`listen(${path}) failed: ${status}`)
    return { close: () => server.close() }
  }
}

class OpenPipe implements HandlePipe {
  owner: HandlePipeOwner | undefined
  isOpen = true
  readonly #pipe: PipeHandle
  readonly #streams: StreamBinding
  readonly #decoder = new StringDecoder('utf8')
  readonly #sockets: Socket[] = []
  /** Said, and not sent yet. */
  #said = ''
  #heard = ''

  constructor(pipe: PipeHandle, streams: StreamBinding) {
    this.#pipe = pipe
    this.#streams = streams
    // `this` of the callback is the handle.
    pipe.onread = (bytes) => this.#read(bytes)
    pipe.readStart()
  }

  send(message: unknown): void {
    if (!this.isOpen) return
    if (this.#said === '') queueMicrotask(() => this.#flush())
    this.#said += `-${JSON.stringify(message)}\n`
  }

  sendSocket(message: unknown, socket: Socket | BareSocket, onSent: (isSent: boolean) => void): void {
    const handle = this.isOpen ? handleOf(socket) : undefined
    if (handle === undefined) return onSent(false)
    // In one write with what came before: only the last line has the connection.
    this.#said += `+${JSON.stringify(message)}\n`
    this.#flush(handle, onSent)
  }

  close(): void {
    if (!this.isOpen) return
    this.#flush()
    this.#end()
  }

  #flush(handle?: Handle, onSent?: (isSent: boolean) => void): void {
    if (this.#said === '' || !this.isOpen) return
    const text = this.#said
    this.#said = ''
    const request = new this.#streams.WriteWrap()
    const written = (status: number): void => {
      onSent?.(status >= 0)
      if (status < 0) this.#end()
    }
    request.oncomplete = written
    const status = this.#pipe.writeUtf8String(request, text, handle)
    if (status < 0) written(status)
    else if (this.#streams.streamBaseState[this.#streams.kLastWriteWasAsync] === 0) written(0)
  }

  #read(bytes: ArrayBuffer | undefined): void {
    const { streamBaseState, kReadBytesOrError, kArrayBufferOffset } = this.#streams
    const count = streamBaseState[kReadBytesOrError] ?? -1
    const handle = this.#pipe.pendingHandle
    this.#pipe.pendingHandle = null
    if (handle) this.#sockets.push(socketOver(handle))
    if (count < 0) return this.#end()
    if (bytes === undefined || count === 0) return
    this.#heard += this.#decoder.write(Buffer.from(bytes, streamBaseState[kArrayBufferOffset], count))
    if (this.#heard.length > MESSAGE_CHARACTERS) return this.#end()
    this.#tellOwner()
  }

  #tellOwner(): void {
    let from = 0
    for (let end = this.#heard.indexOf('\n'); end >= 0; end = this.#heard.indexOf('\n', from)) {
      const line = this.#heard.slice(from, end)
      from = end + 1
      const socket = line.startsWith('+') ? this.#sockets.shift() : undefined
      if (this.isOpen) this.owner?.pipeMessage(JSON.parse(line.slice(1)), socket)
      else socket?.destroy()
    }
    this.#heard = this.#heard.slice(from)
  }

  #end(): void {
    if (!this.isOpen) return
    this.isOpen = false
    for (const socket of this.#sockets) socket.destroy()
    this.#pipe.close()
    this.owner?.pipeClosed()
  }
}

function handleOf(socket: Socket | BareSocket): Handle | undefined {
  if (socket instanceof BareSocket) return socket.handle
  return handleBelow(socket) as Handle | undefined
}

function socketOver(handle: Handle): Socket {
  // Nothing is read before somebody listens: until then it can be given back.
  const options = { handle, allowHalfOpen: true, readable: true, writable: true, manualStart: true }
  return new Socket(options as unknown as ConstructorParameters<typeof Socket>[0])
}

/**
 * Stops reading a connection that is about to be given away. Returns what had been read already: from now on what comes waits in
 * the kernel for whoever gets it. `undefined`: it is no connection any more, or none that can be given away.
 */
export function stopReading(socket: Socket | BareSocket): Buffer | undefined {
  if (socket instanceof BareSocket) {
    // Whatever it had read is its reader's already.
    socket.pause()
    return socket.destroyed ? undefined : Buffer.alloc(0)
  }
  const handle = handleOf(socket) as { readStop?(): number } | undefined
  if (handle?.readStop === undefined || socket.destroyed) return undefined
  handle.readStop()
  socket.pause()
  const chunks: Buffer[] = []
  for (let chunk: unknown = socket.read(); chunk !== null; chunk = socket.read()) chunks.push(chunk as Buffer)
  // Reading what was there began anew.
  handle.readStop()
  return Buffer.concat(chunks)
}

/** Takes up reading a connection that was stopped. */
export function readAgain(socket: Socket | BareSocket): void {
  if (socket instanceof BareSocket) return socket.resume()
  const handle = handleOf(socket) as { readStart?(): number } | undefined
  if (socket.destroyed) return
  // For the stream above it has never stopped.
  handle?.readStart?.()
  socket.resume()
}

/** `undefined` where this Node cannot do it. */
export const handlePipes: HandlePipes | undefined = openHandlePipes()
