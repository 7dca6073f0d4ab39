import type { RedisClientType } from '@redis/client'
import { faultText } from '../net/fault-text.ts'
import type { BusListener, ClusterBus } from './bus.ts'
import { CLUSTER_LIMITS } from './limits.ts'

/** Where the Redis of a cluster is, from `postern_cluster`. */
export interface RedisPlace {
  readonly url: string
  /** Channel and keys begin with it. */
  readonly prefix: string
}

/** The setting cannot be used; `message` says why. */
export class ClusterUrlError extends Error {
  override readonly name = 'ClusterUrlError'
}

/** Reads `redis://[user:password@]host[:port][/db][?prefix=postern]`, or `rediss:` for TLS. Throws ClusterUrlError. */
export function parseClusterUrl(text: string): RedisPlace {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (url === undefined || (url.protocol !== 'redis:' && url.protocol !== 'rediss:') || url.hostname === '')
    throw new ClusterUrlError('postern_cluster is no redis:// or rediss:// URL')
  if (!/^(\/\d{0,5})?$/.test(url.pathname))
    throw new ClusterUrlError('postern_cluster: the path of the URL is no number of a database')
  const prefix = url.searchParams.get('prefix') ?? 'postern'
  // Channels are the same for all databases of a Redis; keys are not.
  const channelPrefix = `${prefix}${url.pathname.length > 1 ? url.pathname.slice(1) : ''}`
  url.search = ''
  return { url: url.href, prefix: channelPrefix }
}

interface Connections {
  readonly commands: RedisClientType
  readonly subscription: RedisClientType
}

/** A bus over Redis: a channel for words, a hash for what stays. It comes back by itself. */
export class RedisBus implements ClusterBus {
  readonly #place: RedisPlace
  readonly #channel: string
  readonly #hash: string
  #listener: BusListener | undefined
  #connections: Connections | undefined
  #timer: NodeJS.Timeout | undefined
  #isToldDown = false
  #isClosed = false

  constructor(place: RedisPlace) {
    this.#place = place
    this.#channel = `${place.prefix}:cluster`
    this.#hash = `${place.prefix}:kept`
  }

  open(listener: BusListener): void {
    this.#listener = listener
    void this.#connect()
  }

  publish(text: string): void {
    this.#connections?.commands.publish(this.#channel, text).catch(ignore)
  }

  keep(texts: ReadonlyMap<string, string>): void {
    if (texts.size > 0) this.#connections?.commands.hSet(this.#hash, Object.fromEntries(texts)).catch(ignore)
  }

  async kept(): Promise<ReadonlyMap<string, string>> {
    if (this.#connections === undefined) throw new Error('not connected')
    return new Map(Object.entries(await within(this.#connections.commands.hGetAll(this.#hash))))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#timer)
    const connections = this.#connections
    this.#connections = undefined
    // What was said last still leaves.
    if (connections !== undefined) await within(connections.commands.ping()).catch(ignore)
    drop(connections)
  }

  async #connect(): Promise<void> {
    const made: RedisClientType[] = []
    try {
      const { createClient } = await import('@redis/client')
      const make = (): RedisClientType => {
        const client = createClient({
          url: this.#place.url,
          socket: { connectTimeout: CLUSTER_LIMITS.busMs, reconnectStrategy: false },
          disableOfflineQueue: true,
        }) as unknown as RedisClientType
        made.push(client)
        return client
      }
      const connections = { commands: make(), subscription: make() }
      for (const client of made) client.on('error', (error: Error) => this.#lost(connections, error))
      await within(Promise.all(made.map((client) => client.connect())))
      await within(connections.subscription.subscribe(this.#channel, (text) => this.#listener?.onMessage(text)))
      if (this.#isClosed) return drop(connections)
      this.#connections = connections
      this.#isToldDown = false
      this.#watch(connections)
      this.#listener?.onUp()
    } catch (error) {
      for (const client of made) destroy(client)
      this.#failed(error)
    }
  }

  /** A Redis that hangs is as good as none. */
  #watch(connections: Connections): void {
    this.#timer = setTimeout(() => {
      within(connections.commands.ping()).then(
        () => this.#connections === connections && this.#watch(connections),
        (error: unknown) => this.#lost(connections, error),
      )
    }, CLUSTER_LIMITS.retryMs).unref()
  }

  #lost(connections: Connections, error: unknown): void {
    if (this.#connections !== connections) return
    this.#connections = undefined
    drop(connections)
    this.#failed(error)
  }

  #failed(error: unknown): void {
    if (this.#isClosed) return
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => void this.#connect(), CLUSTER_LIMITS.retryMs).unref()
    if (this.#isToldDown) return
    this.#isToldDown = true
    this.#listener?.onDown(`Redis: ${error instanceof Error ? faultText(error) : String(error)}`)
  }
}

function drop(connections: Connections | undefined): void {
  if (connections === undefined) return
  destroy(connections.commands)
  destroy(connections.subscription)
}

function destroy(client: RedisClientType): void {
  try {
    client.destroy()
  } catch {
    // It was not open.
  }
}

/** Its loss is told by the connection. */
function ignore(): void {
  return undefined
}

async function within<T>(promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(
    () => late.reject(new Error(`no answer within ${CLUSTER_LIMITS.busMs} msecs`)),
    CLUSTER_LIMITS.busMs,
  )
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
    promise.catch(ignore)
  }
}
