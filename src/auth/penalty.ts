// The penalty: clients that failed to log in wait before they are heard again. Dovecot counts it in its anvil process.
import { createHmac } from 'node:crypto'
import { isIPv4 } from 'node:net'
import { ipBytes, ipFromBytes } from '../util/ip.ts'
import type { Clock } from './needs.ts'

export const PENALTY = {
  maxLevel: 4,
  /** By level, before a login begins. */
  waitMs: [0, 4_000, 8_000, 15_000, 15_000],
  /** So long after the last failure that counted, the level is 0 again. */
  overMs: 15_000,
  /** A network that was quiet for so long is forgotten: the sum of 2, 4, 8 and 15 seconds. */
  forgetMs: 29_000,
  /** Names with passwords that are remembered for each network: the same one again does not count. */
  fingerprints: 10,
  /** Networks that are remembered; the ones that were quiet longest go first. */
  networks: 100_000,
  /** Of an IPv6 address: nobody should get a fresh start from each address of a provider's network. */
  ipv6Bytes: 6,
} as const

/** Something that happened to a network's penalty, told to every process that shares it. Plain data. */
export interface PenaltyChange {
  readonly network: string
  /** 0 forgives. */
  readonly level: number
  /** Of the name and password; 0 when there was no password to see: then it always counts. */
  readonly fingerprint: number
}

/** A network's penalty as plain data. Times are ages, since clocks of servers differ. */
export interface PenaltyRow {
  readonly network: string
  readonly level: number
  readonly failedMsAgo: number
  readonly updatedMsAgo: number
  readonly fingerprints: readonly number[]
}

interface PenaltyRecord {
  level: number
  /** The last failure that counted, or the last forgiving. */
  failedMs: number
  updatedMs: number
  fingerprints: readonly number[]
}

/**
 * The penalties of all networks, as one process knows them. Every process has a table of its own, so that a login asks
 * nobody; `onChange` tells the others, and `apply` hears from them.
 */
export class PenaltyTable {
  readonly #clock: Pick<Clock, 'now'>
  readonly #onChange: (change: PenaltyChange) => void
  /** Longest quiet first. */
  readonly #records = new Map<string, PenaltyRecord>()

  constructor(clock: Pick<Clock, 'now'>, onChange: (change: PenaltyChange) => void = () => undefined) {
    this.#clock = clock
    this.#onChange = onChange
  }

  /** The level of a client now, 0 to 4; asked at every login. */
  level(ip: string): number {
    if (this.#records.size === 0) return 0
    const record = this.#records.get(penaltyNetwork(ip) ?? '')
    if (record === undefined) return 0
    const quietMs = this.#clock.now() - record.failedMs
    // A clock that was set back must not make anybody wait for it.
    return quietMs < 0 || quietMs >= PENALTY.overMs ? 0 : record.level
  }

  /** A login failed that began at `level`. Logins that began together raise it together, once. */
  failed(ip: string, level: number, fingerprint: number): void {
    this.#change(ip, Math.min(level + 1, PENALTY.maxLevel), fingerprint)
  }

  /** A login from there was right. */
  forgive(ip: string): void {
    this.#change(ip, 0, 0)
  }

  /** Takes over what another process has seen. */
  apply({ network, level, fingerprint }: PenaltyChange): void {
    const nowMs = this.#clock.now()
    const known = this.#records.get(network)
    // To the end: it is the one that was quiet the shortest.
    this.#records.delete(network)
    this.#forget(nowMs, PENALTY.networks - 1)
    const record = known ?? { level: 0, failedMs: nowMs, updatedMs: nowMs, fingerprints: [] }
    record.updatedMs = nowMs
    if (fingerprint === 0 || !record.fingerprints.includes(fingerprint)) {
      record.level = level
      record.failedMs = nowMs
      if (fingerprint !== 0) record.fingerprints = [...record.fingerprints, fingerprint].slice(-PENALTY.fingerprints)
    }
    this.#records.set(network, record)
  }

  /** Everything that is not forgotten yet, longest quiet first. */
  list(): readonly PenaltyRow[] {
    const nowMs = this.#clock.now()
    this.#forget(nowMs)
    return Array.from(this.#records, ([network, { level, failedMs, updatedMs, fingerprints }]) => ({
      network,
      level,
      failedMsAgo: nowMs - failedMs,
      updatedMsAgo: nowMs - updatedMs,
      fingerprints,
    }))
  }

  /** Takes over a list: a process that has just started knows what the others know. */
  load(rows: readonly PenaltyRow[]): void {
    const nowMs = this.#clock.now()
    for (const { network, level, failedMsAgo, updatedMsAgo, fingerprints } of rows) {
      const known = this.#records.get(network)
      if (known !== undefined && known.updatedMs >= nowMs - updatedMsAgo) continue
      this.#records.set(network, {
        level,
        failedMs: nowMs - failedMsAgo,
        updatedMs: nowMs - updatedMsAgo,
        fingerprints,
      })
    }
  }

  #change(ip: string, level: number, fingerprint: number): void {
    const network = penaltyNetwork(ip)
    if (network === undefined) return
    const change = { network, level, fingerprint }
    this.apply(change)
    this.#onChange(change)
  }

  #forget(nowMs: number, limit: number = PENALTY.networks): void {
    for (const [network, { updatedMs }] of this.#records) {
      const isFull = this.#records.size > limit
      // A clock that was set back must not keep anybody on the list.
      if (!isFull && nowMs - updatedMs < PENALTY.forgetMs && updatedMs <= nowMs) return
      this.#records.delete(network)
    }
  }
}

/** Who is penalised together: an IPv4 address, or a /48 of IPv6. `undefined` without an address. */
export function penaltyNetwork(ip: string): string | undefined {
  // While anybody is penalised, every login comes here.
  if (isIPv4(ip)) return ip
  const bytes = ipBytes(ip)
  if (bytes === undefined) return undefined
  return bytes.length === 4 ? ipFromBytes(bytes) : ipFromBytes(bytes.fill(0, PENALTY.ipv6Bytes))
}

/**
 * What stands for a name and its wrong password: 16 bits under a key that all sharing processes have. Too few to tell the
 * password, enough to know the same one again.
 */
export function penaltyFingerprint(key: Buffer, user: string, password: Buffer): number {
  const bits = createHmac('sha256', key).update(user).update('\0').update(password).digest().readUInt16BE(0)
  return bits === 0 ? 1 : bits
}

/** Reads a change that another server tells of; `undefined` when it makes no sense. */
export function readPenaltyChange(value: unknown): PenaltyChange | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { network, level, fingerprint } = value as Readonly<Record<string, unknown>>
  if (typeof network !== 'string' || penaltyNetwork(network) !== network) return undefined
  return isWhole(level, PENALTY.maxLevel) && isWhole(fingerprint, 0xffff) ? { network, level, fingerprint } : undefined
}

/** Reads a list that another server tells of, without what makes no sense. */
export function readPenaltyRows(value: unknown): readonly PenaltyRow[] {
  if (!Array.isArray(value)) return []
  return value.slice(0, PENALTY.networks).flatMap((row: unknown) => {
    const change = readPenaltyChange({ fingerprint: 0, ...(typeof row === 'object' && row) })
    if (change === undefined) return []
    const { failedMsAgo, updatedMsAgo, fingerprints } = row as Readonly<Record<string, unknown>>
    if (!isWhole(failedMsAgo) || !isWhole(updatedMsAgo) || !Array.isArray(fingerprints)) return []
    const known = fingerprints.filter((print): print is number => isWhole(print, 0xffff))
    const kept = known.slice(-PENALTY.fingerprints)
    return [{ network: change.network, level: change.level, failedMsAgo, updatedMsAgo, fingerprints: kept }]
  })
}

function isWhole(value: unknown, max = Number.MAX_SAFE_INTEGER): value is number {
  return typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= max
}
