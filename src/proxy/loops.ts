import type { Endpoint } from '../net/byte-stream.ts'

/**
 * Notices a login that came back to this process while it is still on its way out: the hop counter alone only works while
 * every proxy trusts the one in front. A login is known again by its session id, where that was forwarded and believed, or by
 * the socket: a client whose address is the near end of one of our own connections is ourselves.
 */
export interface LoopGuard {
  /** The chain a connection belongs to: its own session id, or that of the login of ours it came from. */
  chainOf(session: string, realRemote: Endpoint): string
  /** Undefined when this chain is on its way to the same place already. */
  enter(chain: string, destination: string): LoopPass | undefined
}

/** A login on its way to a backend. */
export interface LoopPass {
  /** The connection to the backend is there, with this near end. */
  connected(local: Endpoint): void
  /** The login ended, well or not. May be called twice. */
  leave(): void
}

export function createLoopGuard(): LoopGuard {
  const underWay = new Set<string>()
  const chains = new Map<string, string>()
  return {
    chainOf: (session, realRemote) => (chains.size === 0 ? session : (chains.get(endpointKey(realRemote)) ?? session)),
    enter(chain, destination) {
      const login = `${chain} ${destination}`
      if (underWay.has(login)) return undefined
      underWay.add(login)
      let local: string | undefined
      return {
        connected(endpoint) {
          if (local !== undefined) chains.delete(local)
          local = endpointKey(endpoint)
          chains.set(local, chain)
        },
        leave() {
          underWay.delete(login)
          if (local !== undefined) chains.delete(local)
          local = undefined
        },
      }
    },
  }
}

function endpointKey({ ip, port }: Endpoint): string {
  return `${ip} ${port}`
}
