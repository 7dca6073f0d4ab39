import { setTimeout as delay } from 'node:timers/promises'
import { runLoad } from '../load/loadgen.ts'
import type { RunningPeer } from '../peers/start.ts'
import type { RateMetric } from '../plan.ts'
import type { Sample } from '../results.ts'
import { cpuSeconds, watchForeignCpu } from './cpu.ts'

/** Puts a metric's load on a peer for so long. A load that fails is a sample with an error. */
export async function sampleRate(
  loadgen: string,
  metric: RateMetric,
  running: RunningPeer,
  time: { readonly seconds: number; readonly graceSeconds: number },
): Promise<Sample> {
  const port = metric.load.tls === undefined ? running.ports.plain : running.ports.tls
  const cpu = { begin: 0, end: 0 }
  let foreign = () => 0
  let foreignShare = 0
  const begin = () => {
    cpu.begin = cpuSeconds(running.pids)
    foreign = watchForeignCpu()
  }
  const end = () => {
    foreignShare = foreign()
    cpu.end = cpuSeconds(running.pids)
  }
  try {
    const result = await runLoad(metric.load, { binary: loadgen, port, ...time, begin, end })
    if (running.peer.processPerSession) cpu.end = await settledCpu(running.pids)
    const handshakes = result.tls_full + result.tls_resumed
    return {
      value: metric.value(result),
      errors: result.errors,
      firstError: result.first_error,
      foreign: foreignShare,
      ...(running.pids.length > 0 ? { cost: metric.cost.per(cpu.end - cpu.begin, result) } : {}),
      ...(metric.load.tls === 'resumed' ? { resumed: result.tls_resumed / handshakes } : {}),
    }
  } catch (error) {
    return { value: 0, errors: 1, firstError: error instanceof Error ? error.message : String(error) }
  }
}

const SETTLE_STEP_MS = 30
const SETTLE_STEPS = 10

/** The CPU time once it stands still: processes that have served their session take a while to end. */
async function settledCpu(pids: readonly number[]): Promise<number> {
  let last = cpuSeconds(pids)
  for (let step = 0; step < SETTLE_STEPS; step++) {
    await delay(SETTLE_STEP_MS)
    const next = cpuSeconds(pids)
    if (next === last) return next
    last = next
  }
  return last
}
