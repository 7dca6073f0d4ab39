// Connections of users by address, for mail_max_userip_connections: all workers of this server, and all servers of a cluster.

import { RenewedMap } from '../util/renewed-map.ts'

/** Whose connections are counted together: service, address and user. */
export function connectionKey(service: string, ip: string, user: string): string {
  return `${service}/${ip}/${user}`
}

/** The most keys that another server may report; it would have to have as many sessions. */
const MAX_KEYS = 1_000_000

/** Who holds connections: workers of this server, and other servers. */
export class ConnectionCounts {
  readonly #own = new Map<string, RenewedMap<number>>()
  readonly #others = new Map<string, RenewedMap<number>>()
  readonly #onOwnChange: (key: string, count: number) => void

  /** `onOwnChange`: how many this server has, for the others to know. */
  constructor(onOwnChange: (key: string, count: number) => void = () => undefined) {
    this.#onOwnChange = onOwnChange
  }

  /** Counts one more for a worker, unless there are `limit` already; 0 is no limit. */
  enter(worker: string, key: string, limit: number): boolean {
    if (limit > 0 && this.count(key) >= limit) return false
    add(this.#own, worker, key, 1)
    this.#onOwnChange(key, sum(this.#own, key))
    return true
  }

  leave(worker: string, key: string): void {
    if (!add(this.#own, worker, key, -1)) return
    this.#onOwnChange(key, sum(this.#own, key))
  }

  /** A worker died, and its connections with it. */
  dropWorker(worker: string): void {
    const keys = this.#own.get(worker)
    this.#own.delete(worker)
    for (const key of keys?.keys() ?? []) this.#onOwnChange(key, sum(this.#own, key))
  }

  /** What another server has. */
  setOther(member: string, key: string, count: number): void {
    let counts = this.#others.get(member)
    if (counts === undefined) this.#others.set(member, (counts = new RenewedMap()))
    if (count <= 0) counts.delete(key)
    else if (counts.size < MAX_KEYS) counts.set(key, count)
  }

  /** Everything of another server is forgotten: it left, or tells it all anew. */
  dropOther(member: string): void {
    this.#others.delete(member)
  }

  count(key: string): number {
    return sum(this.#own, key) + sum(this.#others, key)
  }

  /** All of this server's, for another one that does not know them. */
  own(): ReadonlyMap<string, number> {
    const all = new Map<string, number>()
    for (const counts of this.#own.values()) {
      for (const key of counts.keys()) all.set(key, (all.get(key) ?? 0) + (counts.get(key) ?? 0))
    }
    return all
  }
}

function sum(holders: ReadonlyMap<string, RenewedMap<number>>, key: string): number {
  let total = 0
  for (const counts of holders.values()) total += counts.get(key) ?? 0
  return total
}

/** False when there was nothing to take away. */
function add(holders: Map<string, RenewedMap<number>>, holder: string, key: string, change: number): boolean {
  let counts = holders.get(holder)
  if (counts === undefined) holders.set(holder, (counts = new RenewedMap()))
  const count = (counts.get(key) ?? 0) + change
  if (count < 0) return false
  if (count === 0) counts.delete(key)
  else counts.set(key, count)
  return true
}
