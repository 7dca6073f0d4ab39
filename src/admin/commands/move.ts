// `postern move`: brings users to another backend without a login refused and without a session left behind. Rules: nothing
// is changed before everybody's logins are held; nobody is let go before every worker has said that no session is left; what
// fails is put back, and the hold ends by itself when this process does.
import { setTimeout as sleep } from 'node:timers/promises'
import type { RouteChange } from '../../auth/routing-row.ts'
import { EXIT } from './command.ts'
import { MoveHold } from './move-hold.ts'
import { chunksOf, MoveFailed, type MoveNeeds, textOf } from './move-needs.ts'
import type { MoveOrder } from './move-order.ts'
import { describePlan, placeOf, type PlannedUser, planMove, seenRoutes } from './move-plan.ts'
import { MOVE_LIMITS, type MoveTarget, readState, type SeenRoute } from './move-wire.ts'

/** Pauses between questions to the workers: short at first. */
const PAUSE_MS = { first: 50, last: 500 } as const

/** Moves all users of an order, in batches. Resolves with the exit status. */
export async function moveUsers(order: MoveOrder, needs: MoveNeeds): Promise<number> {
  const plan = await planMove(order, needs)
  if (plan.problems.length > 0) {
    for (const problem of plan.problems) needs.complain(problem)
    needs.complain('nothing was changed')
    return EXIT.noUser
  }
  if (order.dryRun) {
    for await (const text of describePlan(plan, order, needs)) needs.print(text)
    return EXIT.ok
  }
  let number = 0
  for (const batch of chunksOf(plan.users, MOVE_LIMITS.batch)) {
    const status = await new BatchMove(order, needs, batch, `${needs.id}-${++number}`).run()
    if (status !== EXIT.ok) return status
  }
  return EXIT.ok
}

/** Users who are moved together. */
class BatchMove {
  readonly #order: MoveOrder
  readonly #needs: MoveNeeds
  readonly #batch: readonly PlannedUser[]
  readonly #users: readonly string[]
  readonly #to: MoveTarget
  readonly #id: string
  readonly #hold: MoveHold
  /** Rows that changed, or may have. */
  readonly #changed: PlannedUser[] = []
  #kicked = 0

  constructor(order: MoveOrder, needs: MoveNeeds, batch: readonly PlannedUser[], id: string) {
    this.#order = order
    this.#needs = needs
    this.#batch = batch
    this.#users = batch.map(({ user }) => user)
    this.#to = order.port === undefined ? { host: order.host } : { host: order.host, port: order.port }
    this.#id = id
    this.#hold = new MoveHold(needs, id, this.#users)
  }

  async run(): Promise<number> {
    try {
      await this.#hold.begin()
      await this.#note(`New logins of ${this.#users.length} users wait: ${this.#users.join(', ')}`)
      await this.#changeRows()
      await this.#untilSeen(({ seen }, now) => this.#isNew(seen, now))
      await this.#note('Every worker sees the new rows')
      const endedMs = await this.#emptyOldBackend()
      await this.#waitUntil(endedMs + this.#order.delay.ms)
      await this.#letGo()
      return EXIT.ok
    } catch (error) {
      return await this.#putBack(textOf(error))
    }
  }

  async #changeRows(): Promise<void> {
    const change = this.#change()
    for (const planned of this.#batch) {
      if (planned.isThere) continue
      this.#hold.check()
      // A change that failed may have happened all the same.
      this.#changed.push(planned)
      await planned.row.change(change, this.#needs.signal)
      const { user, row } = planned
      await this.#note(`${user}: ${placeOf(row.current)} is now ${this.#newPlace(planned)} in ${row.place}`)
    }
  }

  #change(): RouteChange {
    const { host, port, delay } = this.#order
    const untilSecs = Math.floor((Date.now() + delay.ms) / 1000)
    const isDelayed = delay.ms > 0
    return { host, port, delayUntil: isDelayed ? `${untilSecs}+${delay.spreadMs / 1000}` : '0' }
  }

  #newPlace({ row }: PlannedUser): string {
    return placeOf({ host: this.#order.host, port: this.#order.port ?? row.current.port })
  }

  #isNew(before: SeenRoute, now: SeenRoute): boolean {
    const { host, port } = this.#order
    if (now.host !== host || (port !== undefined && now.port !== port)) return false
    if (now.hostip !== '' && now.hostip === before.hostip && before.host !== host) {
      throw new MoveFailed(`${before.user}: hostip=${now.hostip} still names the old backend`)
    }
    return true
  }

  /** Workers look at files at most once a second, and databases may follow each other. */
  async #untilSeen(isRight: (planned: PlannedUser, now: SeenRoute) => boolean, isUndoing = false): Promise<void> {
    const latest = performance.now() + MOVE_LIMITS.seenMs
    for (const pauseMs of pauses()) {
      const routes = await seenRoutes(
        this.#batch.map(({ asked }) => asked),
        this.#needs,
      )
      const wrong = this.#batch.find(
        (planned) => !(routes.get(planned.asked) ?? []).every((now) => now.result === 'found' && isRight(planned, now)),
      )
      if (wrong === undefined) return
      if (performance.now() > latest) throw new MoveFailed(describeWrong(wrong, routes.get(wrong.asked) ?? []))
      if (!isUndoing) this.#hold.check()
      await sleep(pauseMs)
    }
  }

  /** Ends sessions until every worker says there is none. Resolves with the time of the last. */
  async #emptyOldBackend(): Promise<number> {
    const latest = performance.now() + MOVE_LIMITS.emptyMs
    let endedMs = performance.now()
    for (const pauseMs of pauses()) {
      const states = (await this.#needs.server.ask({ step: 'state', users: this.#users, to: this.#to })).map(readState)
      const left = sum(states.map((state) => state.left))
      const arriving = sum(states.map((state) => state.arriving))
      if (states.length === this.#users.length && left === 0 && arriving === 0) break
      if (performance.now() > latest) {
        throw new MoveFailed(`${left} sessions are still there and ${arriving} logins are still on their way`)
      }
      this.#hold.check()
      if (left > 0) {
        const rows = await this.#needs.server.ask({ step: 'kick', users: this.#users, to: this.#to })
        const count = Number(rows[0]?.['count'] ?? 0)
        this.#kicked += count
        endedMs = performance.now()
        await this.#note(`Ended ${count} sessions`)
      }
      await sleep(pauseMs)
    }
    await this.#note(`No session is left on an old backend; ${this.#kicked} were ended`)
    return endedMs
  }

  async #waitUntil(ms: number): Promise<void> {
    while (performance.now() < ms) {
      this.#hold.check()
      await sleep(Math.min(PAUSE_MS.last, ms - performance.now()))
    }
  }

  async #letGo(): Promise<void> {
    this.#hold.check()
    const waited = await this.#hold.release(this.#order.delay.spreadMs)
    await this.#note(`${waited} logins that waited go on to ${placeOf({ ...this.#order })}`)
    for (const planned of this.#batch) {
      const { user, row, isThere } = planned
      this.#needs.print(
        isThere
          ? `${user}: was on ${this.#newPlace(planned)} already\n`
          : `${user}: ${placeOf(row.current)} -> ${this.#newPlace(planned)}\n`,
      )
    }
    this.#needs.print(`${this.#batch.length} users: ${this.#kicked} sessions ended, 0 left, ${waited} logins waited\n`)
  }

  /** Rows first, then the logins: nobody is sent to a backend that is not theirs. */
  async #putBack(why: string): Promise<number> {
    this.#needs.complain(`${this.#users.join(', ')}: not moved: ${why}`)
    await this.#note(`Failed, putting everything back: ${why}`, true)
    const faults: string[] = []
    const signal = AbortSignal.timeout(MOVE_LIMITS.restoreMs)
    for (const { user, row } of this.#changed.toReversed()) {
      try {
        await row.restore(signal)
        await this.#note(`${user}: ${placeOf(row.current)} is back in ${row.place}`)
      } catch (error) {
        faults.push(`${user}: the row could not be put back in ${row.place}: ${textOf(error)}`)
      }
    }
    try {
      if (faults.length === 0)
        await this.#untilSeen(({ seen }, now) => now.host === seen.host && now.port === seen.port, true)
      await this.#hold.release(0)
    } catch (error) {
      this.#hold.abandon()
      const lastSecs = MOVE_LIMITS.expireMs / 1000
      this.#needs.complain(`logins go on by themselves within ${lastSecs} seconds: ${textOf(error)}`)
    }
    for (const fault of faults) {
      this.#needs.complain(fault)
      await this.#note(fault, true)
    }
    if (faults.length > 0) return EXIT.failed
    await this.#note('Everything is as it was')
    return EXIT.temporary
  }

  /** The log is the record of what was done; that it cannot be reached is no reason to leave things half done. */
  async #note(text: string, isFault = false): Promise<void> {
    try {
      await this.#needs.server.ask({ step: 'note', text: `${this.#id}: ${text}`, isFault })
    } catch (error) {
      this.#needs.complain(`not in the log (${textOf(error)}): ${text}`)
    }
  }
}

function* pauses(): Generator<number, never> {
  for (let ms: number = PAUSE_MS.first; ; ms = Math.min(ms * 2, PAUSE_MS.last)) yield ms
}

function sum(counts: readonly number[]): number {
  return counts.reduce((total, count) => total + count, 0)
}

function describeWrong({ user }: PlannedUser, routes: readonly SeenRoute[]): string {
  const seen = routes.map(({ result, host, port }) => (result === 'found' ? placeOf({ host, port }) : result))
  return `${user}: the server still sees ${[...new Set(seen)].join(' and ') || 'nothing'}`
}
