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
        this.#waiting.get(message.id)?.(message.isFree)
        return this.#waiting.delete(message.id)
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
    const asked = new Asked(resolve)
    const timer = setTimeout(resolve, ANSWER_MS, true)
    this.#waiting.set(id, (isFree) => asked.answered(isFree))
    this.#tell({ kind: 'enter', id, key, limit })
    const isFree = await promise
    clearTimeout(timer)
    return isFree ? this.#leaver(key, asked) : undefined
  }

  #leaver(key: string, asked: Asked): () => void {
    let isIn = true
    return () => {
      if (isIn) asked.whenCounted(() => this.#tell({ kind: 'leave', key }))
      isIn = false
    }
  }
}

/** A connection that the supervisor was asked about. Who was let in without an answer may not have been counted. */
class Asked {
  readonly #hear: (isFree: boolean) => void
  #isCounted: boolean | undefined
  #whenCounted: (() => void) | undefined

  constructor(hear: (isFree: boolean) => void) {
    this.#hear = hear
  }

  answered(isFree: boolean): void {
    this.#isCounted = isFree
    this.#hear(isFree)
    if (isFree) this.#whenCounted?.()
  }

  /** At once, or when the answer comes; never when it was no. */
  whenCounted(run: () => void): void {
    if (this.#isCounted === undefined) this.#whenCounted = run
    else if (this.#isCounted) run()
  }
}

function nothing(): void {
  return undefined
}
