// Run by life-and-death.test.ts: says in JSON how much of what came and went got into the old generation, for each way to keep it.
import { getHeapSpaceStatistics } from 'node:v8'
import { LiveList, type Place } from '../live-list.ts'
import { RenewedMap } from '../renewed-map.ts'

interface Session {
  readonly name: string
  /** What makes it matter how long it is kept: some 1.7 KB. */
  readonly weight: readonly number[]
  place: Place<Session> | undefined
}

interface Keeper {
  readonly add: (session: Session) => void
  readonly remove: (session: Session) => void
}

const KEEPERS: Readonly<Record<string, () => Keeper>> = {
  set: () => {
    const set = new Set<Session>()
    return { add: (session) => void set.add(session), remove: (session) => void set.delete(session) }
  },
  liveList: () => {
    const list = new LiveList<Session>()
    return {
      add: (session) => void (session.place = list.add(session)),
      remove: ({ place }) => (place === undefined ? undefined : list.remove(place)),
    }
  },
  renewedMap: () => {
    const map = new RenewedMap<Session>()
    return { add: (session) => map.set(session.name, session), remove: ({ name }) => map.delete(name) }
  },
}

/** Alive at once. */
const SESSIONS = 16
/** Together ten times what fits into the young generation. */
const CHURN = 10_000

function promotedBytes(keeper: Keeper): number {
  const living: Session[] = []
  let count = 0
  const churn = (sessions: number): void => {
    for (let i = 0; i < sessions; i++) {
      count += 1
      const session = { name: `joe${count}`, weight: Array.from({ length: 200 }, () => count), place: undefined }
      keeper.add(session)
      living.push(session)
      const oldest = living.length > SESSIONS ? living.shift() : undefined
      if (oldest !== undefined) keeper.remove(oldest)
    }
  }
  churn(CHURN / 5)
  globalThis.gc?.()
  churn(100)
  for (let i = 0; i < 3; i++) globalThis.gc?.({ type: 'minor' })
  globalThis.gc?.()
  const before = oldBytes()
  let most = 0
  for (let part = 0; part < 20; part++) {
    churn(CHURN / 20)
    // V8 may collect everything meanwhile: the most there was counts.
    most = Math.max(most, oldBytes() - before)
  }
  return most
}

function oldBytes(): number {
  const spaces = getHeapSpaceStatistics()
  return spaces.find(({ space_name: name }) => name === 'old_space')?.space_used_size ?? Number.NaN
}

const promoted = Object.entries(KEEPERS).map(([name, open]) => [name, promotedBytes(open())])
process.stdout.write(JSON.stringify(Object.fromEntries(promoted)))
