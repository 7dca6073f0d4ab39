import type { Endpoint } from '../net/byte-stream.ts'
import type { SocketStream } from '../net/socket-stream.ts'
import { RenewedMap } from '../util/renewed-map.ts'

/** Hops mail has in all: what the first proxy tells its backend. */
const HOPS = 5

/**
 * Counts hops without anybody's word for it: a client whose address is the near end of one of our own connections is ourselves,
 * one hop further. The forwarded hop count alone works only while every proxy trusts the one in front.
 */
export interface OwnConnections {
  /** What is left for a client: the less of what was forwarded and what we know. Undefined when nothing is known. */
  hopsLeft(client: Endpoint, forwarded: number | undefined): number | undefined
  /** We connected to a backend for a client with so many hops left. */
  opened(stream: SocketStream, clientHops: number | undefined): void
}

export function createOwnConnections(): OwnConnections {
  const left = new RenewedMap<number>()
  return {
    hopsLeft(client, forwarded) {
      const known = left.size === 0 ? undefined : left.get(keyOf(client))
      if (known === undefined) return forwarded
      return forwarded === undefined ? known : Math.min(known, forwarded)
    },
    opened(stream, clientHops = HOPS + 1) {
      const key = keyOf(stream.local)
      left.set(key, clientHops - 1)
      stream.onEnd(() => left.delete(key))
    },
  }
}

function keyOf({ ip, port }: Endpoint): string {
  return `${ip} ${port}`
}
