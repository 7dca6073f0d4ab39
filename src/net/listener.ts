import { once } from 'node:events'
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { acceptBare } from './bare/accept.ts'
import type { BareSocket } from './bare/bare-socket.ts'
import type { Endpoint } from './byte-stream.ts'
import { codeOf, errnoText } from './fault-text.ts'
import { type HaproxyRules, readProxyHeader } from './haproxy.ts'
import type { ProxyHeader } from './haproxy-header.ts'
import { SocketStream } from './socket-stream.ts'
import { normalizeIp } from '../util/ip.ts'
import { LiveList } from '../util/live-list.ts'

export interface ListenerOptions {
  /** An IP address; `::` is IPv6 only, so that `0.0.0.0` can stand beside it. With a slash the path of a UNIX socket. */
  readonly address: string
  /** 0: the kernel chooses. */
  readonly port: number
  readonly backlog?: number
  /** Several processes may bind the port, each with a queue of its own (SO_REUSEPORT). */
  readonly reusePort?: boolean
  /** More connections than this in this process are closed as they come. */
  readonly maxConnections?: number
  /** Connections are bare sockets, where this Node has them; not for UNIX sockets. */
  readonly bare?: boolean
  /** Connections begin with a PROXY header (`haproxy=yes`). */
  readonly haproxy?: HaproxyRules
  /** A connection, its PROXY header read. Nothing was sent yet. */
  readonly onConnection: (stream: SocketStream, header: ProxyHeader | undefined) => void
  /** A line for the log at error level: a connection was not let in, or accepting failed. */
  readonly onRefused: (text: string) => void
}

export interface Listener {
  readonly address: string
  /** The real one, also when the kernel chose it. */
  readonly port: number
  /** Connections of this listener in this process, relayed ones included. */
  readonly connections: number
  /** Accepts no more; connections live on. */
  close(): void
  /** Accepts no more and closes every connection now. */
  destroy(): void
}

/** Enough for a burst of logins; the kernel has its own limit (net.core.somaxconn). */
const BACKLOG = 4096
const WILDCARDS: ReadonlySet<string> = new Set(['0.0.0.0', '::'])
/** A line a second about failing accepts says it all. */
const COMPLAINT_INTERVAL_MS = 1_000

/** Starts to listen, in a process of its own or in a cluster worker. Rejects with Dovecot's `listen(ADDRESS, PORT) failed: ...`, without a port for UNIX sockets. */
export async function openListener(options: ListenerOptions): Promise<Listener> {
  const { address, port, backlog = BACKLOG, reusePort = false } = options
  const server = createServer({ noDelay: true, allowHalfOpen: true })
  const listener = new OpenListener(server, options)
  const isPath = address.startsWith('/')
  if (isPath) server.listen({ path: address, backlog })
  else server.listen({ host: address, port, backlog, reusePort, ipv6Only: address.includes(':') })
  try {
    await once(server, 'listening')
  } catch (error) {
    const text = errnoText(codeOf(error) ?? String(error))
    throw new Error(`listen(${isPath ? address : `${address}, ${port}`}) failed: ${text}`, { cause: error })
  }
  server.on('error', listener.complain)
  if (options.bare === true && !isPath) listener.acceptBare()
  return listener
}

class OpenListener implements Listener {
  readonly address: string
  readonly #server: Server
  readonly #options: ListenerOptions
  readonly #sockets = new LiveList<Socket | BareSocket>()
  #complainedAtMs = Number.NEGATIVE_INFINITY
  #local: Endpoint | undefined

  constructor(server: Server, options: ListenerOptions) {
    this.address = options.address
    this.#server = server
    this.#options = options
    if (options.maxConnections !== undefined) server.maxConnections = options.maxConnections
    server.on('connection', this.#onConnection)
    server.on('drop', () => this.complain(new Error('too many connections')))
  }

  get port(): number {
    const address = this.#server.address() as AddressInfo | string | null
    return typeof address === 'object' ? (address?.port ?? 0) : 0
  }

  get connections(): number {
    return this.#sockets.size
  }

  close(): void {
    this.#server.close()
  }

  destroy(): void {
    this.#server.close()
    for (const socket of this.#sockets.all()) socket.destroy()
  }

  /** Says why connections are not accepted. An error here repeats with every attempt, so it is not said every time. */
  readonly complain = (error: Error): void => {
    const now = performance.now()
    if (now - this.#complainedAtMs < COMPLAINT_INTERVAL_MS) return
    this.#complainedAtMs = now
    this.#options.onRefused(
      `accept(${this.address}, ${this.port}) failed: ${errnoText(codeOf(error) ?? error.message)}`,
    )
  }

  /** From now on connections come without Node's own server between. */
  acceptBare(): void {
    acceptBare(this.#server, {
      full: () => this.#sockets.size >= (this.#options.maxConnections ?? Number.POSITIVE_INFINITY),
      taken: (socket) => {
        const place = this.#sockets.add(socket)
        socket.onClosed = () => this.#sockets.remove(place)
        const stream = new SocketStream(socket, { local: this.#localEnd(), onread: socket })
        socket.resume()
        this.#hand(stream)
      },
      refused: this.complain,
    })
  }

  readonly #onConnection = (socket: Socket): void => {
    const place = this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.remove(place))
    this.#hand(new SocketStream(socket, { local: this.#localEnd() }))
  }

  #hand(stream: SocketStream): void {
    const { haproxy, onConnection } = this.#options
    if (haproxy === undefined) onConnection(stream, undefined)
    else void this.#readHeader(stream, haproxy)
  }

  /** Bound to one address, all connections have the same near end: that saves a system call for each. */
  #localEnd(): Endpoint | undefined {
    if (this.#local !== undefined) return this.#local
    const ip = normalizeIp(this.address)
    if (ip === undefined || WILDCARDS.has(ip)) return undefined
    const { port } = this
    if (port !== 0) this.#local = { ip, port }
    return this.#local
  }

  async #readHeader(stream: SocketStream, rules: HaproxyRules): Promise<void> {
    const header = await readProxyHeader(stream, rules).catch((error: Error) => error)
    if (!(header instanceof Error)) return this.#options.onConnection(stream, header)
    stream.destroy()
    this.#options.onRefused(header.message)
  }
}
