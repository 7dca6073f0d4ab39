import { peersCalled } from './peers/index.ts'
import type { BenchOptions } from './args.ts'
import { sampleIdle } from './measure/idle.ts'
import { sampleRate } from './measure/rate.ts'
import type { Peer } from './peers/peer.ts'
import type { RunningPeer } from './peers/start.ts'
import type { Group, IdleMetric, Metric, RateMetric } from './plan.ts'
import type { Results } from './results.ts'
import { openWorkbench, type Workbench } from './workbench.ts'

/** Measures everything asked for. However it ends, what it started has ended and its files are gone. */
export async function runBench(options: BenchOptions, root: string, tell: (text: string) => void): Promise<Results> {
  await using stack = new AsyncDisposableStack()
  const bench = await openWorkbench(options, tell, stack)
  const peers = peersCalled(options.peers, options.postern ?? root)
  for (const group of new Set(options.metrics.map((metric) => metric.group))) {
    const able = peers.filter((peer) => peer.protocols.includes(group.protocol))
    const metrics = options.metrics.filter((metric) => metric.group === group)
    for (const metric of metrics) {
      if (metric.kind === 'idle') await measureIdle(bench, metric, able)
    }
    const rates = metrics.filter((metric) => metric.kind === 'rate')
    if (rates.length > 0) await measureRates(bench, group, rates, able)
  }
  return bench.results
}

function concerns(metric: Metric, peer: Peer): boolean {
  const tls = metric.kind === 'idle' ? metric.tls : metric.load.tls !== undefined
  return !(tls && peer.plainOnly === true) && metric.without?.includes(peer.name) !== true
}

/** Each round gives every peer a fresh start. */
async function measureIdle(bench: Workbench, metric: IdleMetric, peers: readonly Peer[]): Promise<void> {
  const pace = bench.options.pace.idle
  const able = peers.filter((peer) => concerns(metric, peer))
  for (let round = 1; round <= pace.rounds; round++) {
    bench.tell(`${metric.title}, round ${round} of ${pace.rounds}`)
    for (let next = 0; next < able.length; next += pace.peersAtOnce) {
      const running = await bench.start(metric.group, able.slice(next, next + pace.peersAtOnce))
      await Promise.all(
        running.map(async (each) => {
          bench.results.add(metric, each.peer.name, await sampleIdle(bench.loadgen, metric, each, pace))
          // Its end is waited for when the run ends: it need not delay the next peer.
          void each.stop()
        }),
      )
    }
  }
}

/** Round after round, metric after metric, each peer in turn: whatever the machine goes through meets them all. */
async function measureRates(
  bench: Workbench,
  group: Group,
  metrics: readonly RateMetric[],
  peers: readonly Peer[],
): Promise<void> {
  const { rounds, seconds, warmUpSeconds } = bench.options.pace
  const running = await bench.start(group, peers)
  for (let round = 0, lastMs = 0; round <= rounds && bench.left() > lastMs; round++) {
    const began = performance.now()
    bench.tell(`${group.key}, ${round === 0 ? 'warming up' : `round ${round} of ${rounds}`}`)
    for (const metric of metrics) {
      for (const each of startingAt(round, running)) {
        if (!concerns(metric, each.peer)) continue
        const sample = await sampleRate(bench.loadgen, metric, each, round === 0 ? warmUpSeconds : seconds)
        if (round > 0) bench.results.add(metric, each.peer.name, sample)
      }
    }
    lastMs = performance.now() - began
  }
  await Promise.all(running.map((each) => each.stop()))
}

/** The items in their order, but beginning with another one each time. */
function startingAt(round: number, running: readonly RunningPeer[]): RunningPeer[] {
  const first = round % Math.max(1, running.length)
  return [...running.slice(first), ...running.slice(0, first)]
}
