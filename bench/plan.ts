import type { KeyType } from './certificates.ts'
import type { Load, LoadProtocol, LoadResult } from './load/loadgen.ts'
import type { PeerName } from './peers/peer.ts'

/** What is measured, a row each. A new measurement is a new row; a new protocol is a new group. */

/** Metrics whose peers run side by side and are sampled in turn. */
export interface Group {
  readonly key: string
  readonly protocol: LoadProtocol
  readonly keyType: KeyType
}

/** What one operation costs the proxy in CPU. */
export interface Cost {
  readonly unit: string
  per(cpuSeconds: number, result: LoadResult): number
}

export interface RateMetric {
  readonly kind: 'rate'
  readonly key: string
  readonly title: string
  readonly unit: string
  readonly better: 'more'
  readonly group: Group
  readonly load: Load
  readonly quick: boolean
  /** The peers to measure, if not all. */
  readonly only?: readonly PeerName[]
  readonly without?: readonly PeerName[]
  readonly value: (result: LoadResult) => number
  readonly cost: Cost
  /**
   * So many times as long as others it warms up peers whose processes last: set for the first metric that takes a server
   * through a kind of dialogue (logins in the clear, over TLS, deliveries). What compiles its code as it runs has to run it
   * some thousand times first, and servers run for months. A peer that starts a process for every session begins anew each
   * time, so for it nothing changes.
   */
  readonly warmUp?: number
}

export interface IdleMetric {
  readonly kind: 'idle'
  readonly key: string
  readonly title: string
  readonly unit: 'KB'
  readonly better: 'less'
  readonly group: Group
  readonly tls: boolean
  readonly quick: boolean
  readonly without: readonly PeerName[]
}

export type Metric = RateMetric | IdleMetric

const imap: Group = { key: 'imap', protocol: 'imap', keyType: 'p256' }
const imapRsa: Group = { key: 'imap-rsa', protocol: 'imap', keyType: 'rsa2048' }
const pop3: Group = { key: 'pop3', protocol: 'pop3', keyType: 'p256' }
const lmtp: Group = { key: 'lmtp', protocol: 'lmtp', keyType: 'p256' }

const cpuPerOperation: Cost = {
  unit: 'CPU µs each',
  per: (cpuSeconds, { operations }) => (cpuSeconds / operations) * 1e6,
}
const cpuPerGigabyte: Cost = {
  unit: 'CPU s per GB',
  per: (cpuSeconds, { octets }) => (cpuSeconds / octets) * 1e9,
}

const MESSAGE_BYTES = 10 * 1024 * 1024

type Row = Pick<RateMetric, 'key' | 'title'> &
  Partial<Pick<RateMetric, 'group' | 'quick' | 'only' | 'without' | 'warmUp'>>

/** nginx's buffer matters to bulk alone. */
const NOT_BULK: readonly PeerName[] = ['nginx_64k']

function rate(row: Row, load: Omit<Load, 'protocol'>, unit: string): RateMetric {
  const group = row.group ?? imap
  return {
    kind: 'rate',
    unit,
    better: 'more',
    quick: false,
    without: NOT_BULK,
    ...row,
    group,
    load: { ...load, protocol: group.protocol },
    value: ({ operations, seconds }) => operations / seconds,
    cost: cpuPerOperation,
  }
}

function logins(connections: number, row: Row, tls?: 'fresh' | 'resumed'): RateMetric {
  return rate(row, { mode: 'login', connections, ...(tls === undefined ? {} : { tls }) }, '/s')
}

function fetching(connections: number, row: Row, tls?: 'fresh'): RateMetric {
  const load = { mode: 'fetch', connections, sizeBytes: MESSAGE_BYTES, ...(tls === undefined ? {} : { tls }) } as const
  return {
    ...rate({ without: [], ...row }, load, 'MB/s'),
    value: ({ octets, seconds }) => octets / 1e6 / seconds,
    cost: cpuPerGigabyte,
  }
}

function delivering(connections: number, sizeBytes: number, row: Row): RateMetric {
  return rate({ ...row, group: lmtp }, { mode: 'deliver', connections, sizeBytes }, '/s')
}

function idle(key: string, title: string, tls: boolean): IdleMetric {
  const without: readonly PeerName[] = tls ? ['direct', 'nginx_64k'] : ['direct']
  return { kind: 'idle', key, title, unit: 'KB', better: 'less', group: imap, tls, quick: true, without }
}

export const METRICS: readonly Metric[] = [
  logins(1, { key: 'logins_1', title: 'logins, 1 client' }),
  logins(32, { key: 'logins_32', title: 'logins, 32 clients', quick: true, warmUp: 10 }),
  logins(256, { key: 'logins_256', title: 'logins, 256 clients' }),
  logins(32, { key: 'tls_logins_32', title: 'TLS logins, P-256, fresh, 32 clients', quick: true, warmUp: 10 }, 'fresh'),
  logins(32, { key: 'tls_resumed_logins_32', title: 'TLS logins, P-256, resumed, 32 clients' }, 'resumed'),
  logins(
    32,
    { key: 'rsa_logins_32', title: 'TLS logins, RSA-2048, fresh, 32 clients', group: imapRsa, warmUp: 10 },
    'fresh',
  ),
  logins(
    32,
    { key: 'rsa_resumed_logins_32', title: 'TLS logins, RSA-2048, resumed, 32 clients', group: imapRsa },
    'resumed',
  ),
  fetching(1, { key: 'fetch_mb_s', title: 'FETCH 10 MB, 1 client', quick: true, warmUp: 2 }),
  fetching(8, { key: 'fetch_8_mb_s', title: 'FETCH 10 MB, 8 clients' }),
  fetching(1, { key: 'tls_fetch_mb_s', title: 'TLS FETCH 10 MB, 1 client', quick: true, warmUp: 2 }, 'fresh'),
  fetching(8, { key: 'tls_fetch_8_mb_s', title: 'TLS FETCH 10 MB, 8 clients' }, 'fresh'),
  rate({ key: 'noop_1', title: 'NOOP round trips, 1 client' }, { mode: 'noop', connections: 1 }, '/s'),
  rate({ key: 'noop_32', title: 'NOOP round trips, 32 clients' }, { mode: 'noop', connections: 32 }, '/s'),
  idle('idle_kb', 'memory per idle session', false),
  idle('tls_idle_kb', 'memory per idle TLS session', true),
  logins(1, { key: 'pop3_logins_1', title: 'POP3 logins, 1 client', group: pop3 }),
  logins(32, { key: 'pop3_logins_32', title: 'POP3 logins, 32 clients', group: pop3, warmUp: 10 }),
  delivering(1, 10_000, { key: 'lmtp_1_10k', title: 'LMTP, 10 KB messages, 1 connection' }),
  delivering(16, 10_000, { key: 'lmtp_16_10k', title: 'LMTP, 10 KB messages, 16 connections', warmUp: 10 }),
  delivering(1, 5_000_000, { key: 'lmtp_1_5m', title: 'LMTP, 5 MB messages, 1 connection' }),
  delivering(16, 5_000_000, { key: 'lmtp_16_5m', title: 'LMTP, 5 MB messages, 16 connections' }),
]

/** How long and how often: all that differs between a quick and a full run. */
export interface Pace {
  readonly rounds: number
  readonly seconds: number
  readonly warmUpSeconds: number
  /** What the operations under way at the end of a sample may take. */
  readonly graceSeconds: number
  /** No round but the first begins that would probably end later than this after the start. */
  readonly budgetMs: number
  readonly idle: {
    readonly rounds: number
    /** Sessions open at the first reading and at the second, which the difference is divided by. */
    readonly plain: readonly [number, number]
    readonly tls: readonly [number, number]
    readonly processPerSession: readonly [number, number]
    /** How long the memory may take to settle. */
    readonly patienceMs: number
    /** Peers that open their sessions at the same time. */
    readonly peersAtOnce: number
  }
}

export const QUICK: Pace = {
  rounds: 3,
  seconds: 0.3,
  warmUpSeconds: 0.15,
  graceSeconds: 3,
  budgetMs: 44_000,
  idle: {
    rounds: 1,
    plain: [500, 2500],
    tls: [200, 800],
    processPerSession: [20, 80],
    patienceMs: 900,
    peersAtOnce: 5,
  },
}

export const FULL: Pace = {
  rounds: 5,
  seconds: 1,
  warmUpSeconds: 0.5,
  graceSeconds: 8,
  budgetMs: Number.POSITIVE_INFINITY,
  idle: {
    rounds: 3,
    plain: [1000, 5000],
    tls: [500, 2000],
    processPerSession: [50, 200],
    patienceMs: 5000,
    peersAtOnce: 1,
  },
}
