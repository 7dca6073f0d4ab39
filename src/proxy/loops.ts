import type { Endpoint } from '../net/byte-stream.ts'
import { RenewedMap } from '../util/renewed-map.ts'

/**
 * Notices a login that came back to this process while it is still on its way out: the hop counter alone only works while
 * every proxy trusts the one in front. A login is known again by its session id, where that was forwarded and believed, or by
 * the socket: a client whose two ends are those of one of our own connections, seen from the other side, is ourselves.
 */
export interface LoopGuard {
  /** Undefined when this login, or the one of ours it came from, is on its way to the same place already. */
  enter(origin: LoginOrigin, destination: LoginDestination): LoopPass | undefined
}

/** Where a login is on its way to, and as whom. */
export interface LoginDestination {
  readonly ip: string
  readonly port: number
  readonly destuser: string
}

/** How a login came here. */
export interface LoginOrigin {
  /** Its session id. */
  readonly session: string
  /** The session id is what a trusted peer said. */
  readonly forwarded: boolean
  /** Hops left: each further time round it is less, where it is told at all. */
  readonly ttl: number
  /** The two ends of the client's socket. */
  readonly remote: Endpoint
  readonly local: Endpoint
}

/**
 * A webmail may give all connections of one visitor the same session id, and open some at once: logins with a forwarded id
 * and equally many hops left are brothers. A client beside us may have the port that one of our connections has to somewhere
 * else, which looks as if addresses were translated on the way back to us. Beyond so many either must be a loop that nobody counts.
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
  return new Guard()
}

/** Logins of one chain to one destination that are under way. */
interface UnderWay {
  readonly destination: LoginDestination
  /** Of the first of them. */
  readonly origin: LoginOrigin
  count: number
}

class Guard implements LoopGuard {
  /** By chain, which is one login nearly always: looking for its id costs less than making a key of all that must be the same. */
  readonly #underWay = new RenewedMap<UnderWay[]>()
  /** By the port of our near end. Where two connections have the same, the newer one is known. */
  readonly #nearEnds = new RenewedMap<NearEnd, number>()

  enter(origin: LoginOrigin, destination: LoginDestination): LoopPass | undefined {
    const own = this.#ownEnd(origin.remote)
    const chain = own?.chain ?? origin.session
    const logins = this.#underWay.get(chain)
    const known = logins?.find((login) => isSame(login.destination, destination))
    if (known !== undefined) {
      const isKnownById = own === undefined || own.chain === origin.session
      const mayBeAnother = isKnownById ? areBrothers(known.origin, origin) : !leadsTo(own, origin.local)
      if (!mayBeAnother || known.count >= BROTHERS) return undefined
      known.count++
      return new Pass(this, chain, known)
    }
    const login = { destination, origin, count: 1 }
    if (logins === undefined) this.#underWay.set(chain, [login])
    else logins.push(login)
    return new Pass(this, chain, login)
  }

  #ownEnd({ ip, port }: Endpoint): NearEnd | undefined {
    const near = this.#nearEnds.size === 0 ? undefined : this.#nearEnds.get(port)
    return near?.ip === ip ? near : undefined
  }

  leave(chain: string, login: UnderWay): void {
    if (--login.count > 0) return
    const logins = this.#underWay.get(chain)
    if (logins === undefined) return
    if (logins.length === 1) this.#underWay.delete(chain)
    else logins.splice(logins.indexOf(login), 1)
  }

  connected(port: number, near: NearEnd): void {
    this.#nearEnds.set(port, near)
  }

  disconnected(port: number, near: NearEnd): void {
    if (this.#nearEnds.get(port) === near) this.#nearEnds.delete(port)
  }
}

/** Our end of a connection, and the chain it was opened for. */
interface NearEnd {
  readonly ip: string
  readonly chain: string
  /** Where it was opened to. */
  readonly to: LoginDestination
}

class Pass implements LoopPass {
  readonly #guard: Guard
  readonly #chain: string
  readonly #login: UnderWay
  #near: NearEnd | undefined
  #port = 0
  #left = false

  constructor(guard: Guard, chain: string, login: UnderWay) {
    this.#guard = guard
    this.#chain = chain
    this.#login = login
  }

  connected({ ip, port }: Endpoint): void {
    this.#forget()
    this.#near = { ip, chain: this.#chain, to: this.#login.destination }
    this.#port = port
    this.#guard.connected(port, this.#near)
  }

  leave(): void {
    if (!this.#left) this.#guard.leave(this.#chain, this.#login)
    this.#left = true
    this.#forget()
  }

  #forget(): void {
    if (this.#near !== undefined) this.#guard.disconnected(this.#port, this.#near)
    this.#near = undefined
  }
}

function isSame(left: LoginDestination, right: LoginDestination): boolean {
  return left.port === right.port && left.ip === right.ip && left.destuser === right.destuser
}

function areBrothers(first: LoginOrigin, second: LoginOrigin): boolean {
  return first.forwarded && second.forwarded && first.ttl === second.ttl
}

/** The connection ends where the client's does: there is one such connection only, and both are it. */
function leadsTo({ to }: NearEnd, { ip, port }: Endpoint): boolean {
  return to.port === port && to.ip === ip
}
