import type { Endpoint } from '../net/byte-stream.ts'
import { RenewedMap } from '../util/renewed-map.ts'

/**
 * Notices a login that came back to this process while it is still on its way out: the hop counter alone only works while
 * every proxy trusts the one in front. A login is known again by its session id, where that was forwarded and believed, or by
 * the socket: a client whose address is the near end of one of our own connections is ourselves.
 */
export interface LoopGuard {
  /** The chain a connection belongs to: its own session id, or that of the login of ours it came from. */
  chainOf(session: string, realRemote: Endpoint): string
  /** Undefined when this chain is on its way to the same place already. */
  enter(chain: string, destination: string, way?: LoginWay): LoopPass | undefined
}

/** How a login came here. */
export interface LoginWay {
  /** Hops left: each further time round it is less, where it is told at all. */
  readonly ttl: number
  /** Its session id is what a trusted peer said. */
  readonly forwarded: boolean
}

const OWN: LoginWay = { ttl: 0, forwarded: false }

/**
 * A webmail may give all connections of one visitor the same session id, and open some at once: logins with a forwarded id
 * and equally many hops left are brothers. Beyond so many they must be a loop that nobody counts.
 */
const BROTHERS = 20

/** A login on its way to a backend. */
export interface LoopPass {
  /** The connection to the backend is there, with this near end. */
  connected(local: Endpoint): void
  /** The login ended, well or not. May be called twice. */
  leave(): void
}

export function createLoopGuard(): LoopGuard {
  const underWay = new RenewedMap<{ readonly way: LoginWay; count: number }>()
  const chains = new RenewedMap<string>()
  return {
    chainOf: (session, realRemote) => (chains.size === 0 ? session : (chains.get(endpointKey(realRemote)) ?? session)),
    enter(chain, destination, way = OWN) {
      const login = `${chain} ${destination}`
      const known = underWay.get(login)
      if (known !== undefined && (!areBrothers(known.way, way) || known.count >= BROTHERS)) return undefined
      const under = known ?? { way, count: 0 }
      if (known === undefined) underWay.set(login, under)
      under.count++
      let local: string | undefined
      let left = false
      return {
        connected(endpoint) {
          if (local !== undefined) chains.delete(local)
          local = endpointKey(endpoint)
          chains.set(local, chain)
        },
        leave() {
          if (!left && --under.count === 0) underWay.delete(login)
          left = true
          if (local !== undefined) chains.delete(local)
          local = undefined
        },
      }
    },
  }
}

function areBrothers(first: LoginWay, second: LoginWay): boolean {
  return first.forwarded && second.forwarded && first.ttl === second.ttl
}

function endpointKey({ ip, port }: Endpoint): string {
  return `${ip} ${port}`
}
