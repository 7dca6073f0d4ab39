import { parseArgs } from 'node:util'
import { PEER_NAMES, QUICK_PEERS } from './peers/index.ts'
import type { PeerName } from './peers/peer.ts'
import { FULL, METRICS, type Metric, type Pace, QUICK } from './plan.ts'

/** What the command line asks for. */
export interface BenchOptions {
  readonly quick: boolean
  readonly json: boolean
  readonly write: boolean
  readonly help: boolean
  readonly peers: readonly PeerName[]
  readonly metrics: readonly Metric[]
  readonly pace: Pace
  /** The checkout whose Postern is measured, if not this one. */
  readonly postern?: string
}

export const USAGE = `npm run bench:proxy -- [options]

  --quick            six metrics of five peers in less than 50 seconds
  --json             the results as one JSON object on the last line of standard output; everything else on standard error
  --write            put the results into docs/performance.md
  --only KEY,...     these metrics only: ${METRICS.map((metric) => metric.key).join(' ')}
  --peers NAME,...   these peers only: ${PEER_NAMES.join(' ')}
  --rounds N         samples of each metric and peer, after one that does not count
  --duration S       seconds a sample
  --postern DIR      measure the Postern of another checkout
`

/** A command line that makes no sense; the message says why. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** Reads the arguments after the program's name. Throws UsageError. */
export function parseBenchArgs(args: readonly string[]): BenchOptions {
  const { quick = false, json = false, write = false, help = false, ...given } = parse(args)
  const pace = quick ? QUICK : FULL
  const names = quick ? QUICK_PEERS : PEER_NAMES
  const offered = METRICS.filter((metric) => metric.quick || !quick)
  return {
    quick,
    json,
    write,
    help,
    peers: given.peers === undefined ? names : chosen(given.peers, PEER_NAMES, (name) => name, 'peer'),
    metrics: given.only === undefined ? offered : chosen(given.only, METRICS, (metric) => metric.key, 'metric'),
    pace: {
      ...pace,
      rounds: positive('rounds', given.rounds, true) ?? pace.rounds,
      seconds: positive('duration', given.duration, false) ?? pace.seconds,
    },
    ...(given.postern === undefined ? {} : { postern: given.postern }),
  }
}

function parse(args: readonly string[]) {
  const flag = { type: 'boolean' } as const
  const text = { type: 'string' } as const
  const options = {
    quick: flag,
    json: flag,
    write: flag,
    help: flag,
    only: text,
    peers: text,
    rounds: text,
    duration: text,
    postern: text,
  }
  try {
    return parseArgs({ args: [...args], options }).values
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error))
  }
}

/** The items so named, in their own order. */
function chosen<Item>(list: string, items: readonly Item[], nameOf: (item: Item) => string, what: string): Item[] {
  const names = list.split(',').map((name) => name.trim())
  const unknown = names.find((name) => !items.some((item) => nameOf(item) === name))
  if (unknown !== undefined) throw new UsageError(`no ${what} ${unknown}: ${items.map(nameOf).join(' ')}`)
  return items.filter((item) => names.includes(nameOf(item)))
}

function positive(name: string, text: string | undefined, whole: boolean): number | undefined {
  if (text === undefined) return undefined
  const value = Number(text)
  if (!(value > 0) || !Number.isFinite(value) || (whole && !Number.isInteger(value))) {
    throw new UsageError(`--${name} wants a positive ${whole ? 'whole ' : ''}number, not ${text}`)
  }
  return value
}
