import type { SharedPenalties } from '../auth/needs.ts'
import { PenaltyTable } from '../auth/penalty.ts'
import { Revocations } from '../auth/revocations.ts'
import { SharedPasswords } from '../auth/shared-passwords.ts'
import { connectionKey } from '../cluster/connections.ts'
import { RenewedMap } from '../util/renewed-map.ts'
import type { SharedFromWorker, SharedToWorker } from './shared-messages.ts'

/** The supervisor answers at once, unless it is on its way out: then nobody is refused for it. */
const ANSWER_MS = 2_000

/** A worker's share of what all workers know alike. Logins read it without asking anybody. */
export class WorkerShared {
  readonly revocations: Revocations
  readonly passwords: SharedPasswords
  readonly #tell: (message: SharedFromWorker) => void
  readonly #table: PenaltyTable
  readonly #waiting = new RenewedMap<(isFree: boolean) => void, number>()
  #penaltyKey = Buffer.alloc(0)
  #nextId = 1

  constructor(tell: (message: SharedFromWorker) => void) {
    this.#tell = tell
    this.#table = new PenaltyTable(Date, (change) => tell({ kind: 'penalty', change }))
    this.revocations = new Revocations((entry) => tell({ kind: 'revocation', entry }))
    this.passwords = new SharedPasswords((news) => tell({ kind: 'password', news }))
  }

  get penalties(): SharedPenalties {
    return { table: this.#table, key: this.#penaltyKey }
  }

  /** What the supervisor says. */
  hear(message: SharedToWorker): void {
    switch (message.kind) {
      case 'begin':
        this.#penaltyKey = Buffer.from(message.penaltyKey)
        this.passwords.key = this.#penaltyKey
        this.#table.load(message.penalties)
        for (const entry of message.revocations) this.revocations.apply(entry)
        return
      case 'penalty':
        return this.#table.apply(message.change)
      case 'penalties':
        return this.#table.load(message.rows)
      case 'entered':
        return this.#waiting.get(message.id)?.(message.isFree)
      case 'password':
        return this.passwords.hear(message.news)
      case 'revocation':
        this.revocations.apply(message.entry)
    }
  }

  /**
   * Counts a connection of a user from an address, unless there are `limit` already (0: no limit). Returns the function that
   * takes it back, or `undefined` when it is one too many. Connections without an address are not counted.
   */
  async enter(
    { service, ip, user }: { readonly service: string; readonly ip: string; readonly user: string },
    limit: number,
  ): Promise<(() => void) | undefined> {
    if (limit === 0 || ip === '') return nothing
    const key = connectionKey(service, ip, user)
    const id = this.#nextId++
    const { promise, resolve } = Promise.withResolvers<boolean>()
    const timer = setTimeout(() => resolve(true), ANSWER_MS)
    this.#waiting.set(id, resolve)
    this.#tell({ kind: 'enter', id, key, limit })
    const isFree = await promise
    clearTimeout(timer)
    this.#waiting.delete(id)
    return isFree ? this.#leaver(key) : undefined
  }

  #leaver(key: string): () => void {
    let isIn = true
    return () => {
      if (isIn) this.#tell({ kind: 'leave', key })
      isIn = false
    }
  }
}

function nothing(): void {
  return undefined
}
