import { peersCalled } from './peers/index.ts'
import type { BenchOptions } from './args.ts'
import { sampleIdle } from './measure/idle.ts'
import { sampleRate } from './measure/rate.ts'
import type { Peer } from './peers/peer.ts'
import type { RunningPeer } from './peers/start.ts'
import type { IdleMetric, Metric, RateMetric } from './plan.ts'
import type { Results } from './results.ts'
import { openWorkbench, type Workbench } from './workbench.ts'

const WARMING_CLIENTS = 8

/** Measures everything asked for. However it ends, what it started has ended and its files are gone. */
export async function runBench(options: BenchOptions, root: string, tell: (text: string) => void): Promise<Results> {
  await using stack = new AsyncDisposableStack()
  const bench = await openWorkbench(options, tell, stack)
  const peers = peersCalled(options.peers, options.postern ?? root)
  for (const group of new Set(options.metrics.map((metric) => metric.group))) {
    const able = peers.filter((peer) => peer.protocols.includes(group.protocol))
    const metrics = options.metrics.filter((metric) => metric.group === group)
    let running: RunningPeer[] = []
    for (const metric of metrics) {
      if (metric.kind !== 'idle') continue
      await stopAll(running)
      running = await measureIdle(bench, metric, able)
    }
    const rates = metrics.filter((metric) => metric.kind === 'rate')
    if (rates.length > 0) {
      const rest = able.filter((peer) => !running.some((each) => each.peer === peer))
      running.push(...(await bench.start(group, rest)))
      await measureRates(bench, group.key, rates, running)
    }
    await stopAll(running)
  }
  return bench.results
}

function concerns(metric: Metric, peer: Peer): boolean {
  const tls = metric.kind === 'idle' ? metric.tls : metric.load.tls !== undefined
  return !(tls && peer.plainOnly === true) && metric.without?.includes(peer.name) !== true
}

async function stopAll(running: readonly RunningPeer[]): Promise<void> {
  await Promise.all(running.map((each) => each.stop()))
}

/** Each round gives every peer a fresh start. Returns the peers that still run: those of a single batch. */
async function measureIdle(bench: Workbench, metric: IdleMetric, peers: readonly Peer[]): Promise<RunningPeer[]> {
  const pace = bench.options.pace.idle
  const able = peers.filter((peer) => concerns(metric, peer))
  const oneBatch = pace.rounds === 1 && able.length <= pace.peersAtOnce
  for (let round = 1; round <= pace.rounds; round++) {
    bench.tell(`${metric.title}, round ${round} of ${pace.rounds}`)
    for (let next = 0; next < able.length; next += pace.peersAtOnce) {
      const running = await bench.start(metric.group, able.slice(next, next + pace.peersAtOnce))
      const samples = running.map(async (each) => await sampleIdle(bench.loadgen, metric, each, pace))
      for (const [index, sample] of (await Promise.all(samples)).entries()) {
        const name = running[index]?.peer.name
        if (name !== undefined) bench.results.add(metric, name, sample)
      }
      if (oneBatch) return running
      await stopAll(running)
    }
  }
  return []
}

/** Round after round, metric after metric, each peer in turn: whatever the machine goes through meets them all. */
async function measureRates(
  bench: Workbench,
  label: string,
  metrics: readonly RateMetric[],
  running: readonly RunningPeer[],
): Promise<void> {
  const { rounds, seconds, warmUpSeconds, graceSeconds } = bench.options.pace
  const givenUp = new Set<string>()
  for (let round = 0, lastMs = 0; round <= rounds && (round <= 1 || bench.left() > lastMs); round++) {
    const began = performance.now()
    bench.tell(`${label}, ${round === 0 ? 'warming up' : `round ${round} of ${rounds}`}`)
    for (const metric of metrics) {
      for (const each of startingAt(round, running)) {
        const pair = `${metric.key} ${each.peer.name}`
        if (!concerns(metric, each.peer) || givenUp.has(pair)) continue
        const time = { seconds: round === 0 ? warmUpSeconds * timesWarmer(metric, each.peer) : seconds, graceSeconds }
        const sample = await sampleRate(bench.loadgen, round === 0 ? reachingAll(metric) : metric, each, time)
        // Who can't do it at all would only cost the others their time.
        if (sample.value === 0) givenUp.add(pair)
        if (round > 0 || sample.value === 0) bench.results.add(metric, each.peer.name, sample)
      }
    }
    // Warming up says nothing about how long a round takes.
    if (round > 0) lastMs = performance.now() - began
  }
}

/** A single client meets a single process, and the next one perhaps another: those that warm up are enough to meet all. */
function reachingAll(metric: RateMetric): RateMetric {
  const connections = Math.max(metric.load.connections, WARMING_CLIENTS)
  return { ...metric, load: { ...metric.load, connections } }
}

function timesWarmer({ warmUp = 1 }: RateMetric, { processPerSession }: Peer): number {
  return processPerSession ? 1 : warmUp
}

/** The items in their order, but beginning with another one each time. */
function startingAt(round: number, running: readonly RunningPeer[]): RunningPeer[] {
  const first = round % Math.max(1, running.length)
  return [...running.slice(first), ...running.slice(0, first)]
}
