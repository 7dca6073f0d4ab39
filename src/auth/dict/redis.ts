import type { RedisClientType } from '@redis/client'
import type { Clock } from '../needs.ts'
import { DatabaseConfigError } from '../passdb/passdb.ts'
import type { Dict } from './dict.ts'

const REDIS_LIMITS = {
  connectMs: 5_000,
  /** After a failure, nobody connects for this long. */
  retryMs: 500,
  /** Keys that one SCAN looks at. */
  scanCount: 1000,
} as const

interface RedisAddress {
  readonly socket: { readonly host: string; readonly port: number } | { readonly path: string }
  readonly prefix: string
  readonly database: number
  readonly password: string
  readonly timeoutMs: number
}

/** `redis:host=..:port=..:db=..:prefix=..:password=..:timeout_msecs=..`; one connection, for all lookups. */
export class RedisDict implements Dict {
  readonly #address: RedisAddress
  readonly #clock: Clock
  #client: Promise<RedisClientType> | undefined
  #failedAtMs = Number.NEGATIVE_INFINITY
  #fault = new Error('not connected')
  #isClosed = false

  /** Throws DatabaseConfigError. */
  constructor(uri: string, clock: Clock) {
    this.#address = parseAddress(uri)
    this.#clock = clock
  }

  /** What stands before every key. */
  get prefix(): string {
    return this.#address.prefix
  }

  /** Any command, words as they are. */
  async command(words: readonly string[]): Promise<unknown> {
    return await this.#run(async (client) => await client.sendCommand([...words]))
  }

  async lookup(key: string): Promise<string | undefined> {
    const value = await this.#run((client) => client.get(this.#address.prefix + key))
    return value ?? undefined
  }

  async *keys(prefix: string, signal: AbortSignal): AsyncIterable<string> {
    const begin = this.#address.prefix + prefix
    const pattern = `${begin.replace(/[\\*?[\]^]/g, '\\$&')}*`
    let cursor = '0'
    do {
      signal.throwIfAborted()
      const at = cursor
      const page = await this.#run((client) => client.scan(at, { MATCH: pattern, COUNT: REDIS_LIMITS.scanCount }))
      for (const key of page.keys) yield key.slice(this.#address.prefix.length)
      cursor = page.cursor
    } while (cursor !== '0')
  }

  async check(): Promise<string | undefined> {
    try {
      await this.#run((client) => client.ping())
      return undefined
    } catch (error) {
      return error instanceof Error ? error.message : String(error)
    }
  }

  close(): void {
    this.#isClosed = true
    this.#forget()
  }

  /** Runs a command; when the connection turns out to be dead, once more on a new one. */
  async #run<T>(command: (client: RedisClientType) => Promise<T>): Promise<T> {
    for (let isLast = false; ; isLast = true) {
      const opening = (this.#client ??= this.#connect())
      opening.catch(() => this.#forget(opening))
      const client = await opening
      if (!client.isReady && !isLast) {
        this.#forget(opening)
        continue
      }
      const limit = timeLimit(this.#address.timeoutMs)
      try {
        return await Promise.race([command(client), limit.passed])
      } catch (error) {
        // The server's own answers do not end a connection.
        if (client.isReady && !limit.isOver()) throw error
        this.#forget(opening)
        if (isLast || limit.isOver()) throw error
      } finally {
        limit.cancel()
      }
    }
  }

  async #connect(): Promise<RedisClientType> {
    if (this.#isClosed) throw new Error('redis: it was closed')
    if (this.#clock.now() - this.#failedAtMs < REDIS_LIMITS.retryMs) throw this.#fault
    const { socket, database, password } = this.#address
    const { createClient } = await import('@redis/client')
    const client = createClient({
      socket: { ...socket, connectTimeout: REDIS_LIMITS.connectMs, reconnectStrategy: false },
      database,
      disableOfflineQueue: true,
      ...(password !== '' && { password }),
    }) as unknown as RedisClientType
    client.on('error', () => undefined)
    const limit = timeLimit(REDIS_LIMITS.connectMs)
    try {
      await Promise.race([client.connect(), limit.passed])
      return client
    } catch (error) {
      destroy(client)
      this.#failedAtMs = this.#clock.now()
      this.#fault = new Error(`redis: ${error instanceof Error ? error.message : String(error)}`)
      throw this.#fault
    } finally {
      limit.cancel()
    }
  }

  /** The next command connects anew. */
  #forget(which = this.#client): void {
    if (this.#client === which) this.#client = undefined
    which?.then(destroy, () => undefined)
  }
}

function destroy(client: RedisClientType): void {
  try {
    client.destroy()
  } catch {
    // It was not open.
  }
}

function timeLimit(ms: number): { passed: Promise<never>; isOver(): boolean; cancel(): void } {
  const { promise, reject } = Promise.withResolvers<never>()
  let isOver = false
  promise.catch(() => undefined)
  const timer = setTimeout(() => {
    isOver = true
    reject(new Error(`redis: no answer within ${ms} msecs`))
  }, ms)
  return { passed: promise, isOver: () => isOver, cancel: () => clearTimeout(timer) }
}

function parseAddress(uri: string): RedisAddress {
  const values = new Map([
    ['host', '127.0.0.1'],
    ['port', '6379'],
    ['path', ''],
    ['prefix', ''],
    ['db', '0'],
    ['password', ''],
    ['timeout_msecs', '30000'],
    ['expire_secs', ''],
  ])
  for (const word of uri.split(':').filter((part) => part !== '')) {
    const equals = word.indexOf('=')
    const name = equals < 0 ? word : word.slice(0, equals)
    if (!values.has(name) || equals < 0) throw new DatabaseConfigError(`redis: Unknown parameter: ${word}`)
    values.set(name, word.slice(equals + 1))
  }
  const get = (name: string): string => values.get(name) ?? ''
  const number = (name: string, max: number): number => {
    const value = Number(get(name))
    if (Number.isInteger(value) && value >= 0 && value <= max) return value
    throw new DatabaseConfigError(`redis: Invalid ${name}: ${get(name)}`)
  }
  return {
    socket: get('path') === '' ? { host: get('host'), port: number('port', 65_535) } : { path: get('path') },
    prefix: get('prefix'),
    database: number('db', 65_535),
    password: get('password'),
    timeoutMs: Math.max(1, number('timeout_msecs', 600_000)),
  }
}
