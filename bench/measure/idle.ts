import { readFileSync } from 'node:fs'
import { idleSessions } from '../load/loadgen.ts'
import type { RunningPeer } from '../peers/start.ts'
import type { IdleMetric, Pace } from '../plan.ts'
import type { Sample } from '../results.ts'
import { steadyPssKb } from './pss.ts'

/**
 * KB that one more idle session costs a fresh peer: what its memory grows between two numbers of sessions, divided by
 * the sessions in between. The first number is not zero, so that what a peer allocates once, whoever comes, is not
 * shared out among the sessions of a run that happens to be small.
 */
export async function sampleIdle(
  loadgen: string,
  metric: IdleMetric,
  running: RunningPeer,
  pace: Pace['idle'],
): Promise<Sample> {
  const [few, many] = sessionCounts(metric, running, pace)
  const port = metric.tls ? running.ports.tls : running.ports.plain
  const target = { binary: loadgen, port, protocol: metric.group.protocol, tls: metric.tls }
  const sessions = await idleSessions(target, many)
  try {
    const first = await sessions.hold(few)
    const firstKb = await steadyPssKb(running.pids, pace.patienceMs)
    const last = await sessions.hold(many)
    const lastKb = await steadyPssKb(running.pids, pace.patienceMs)
    const errors = first.errors + last.errors + (many - last.held)
    return {
      value: last.held > first.held ? (lastKb - firstKb) / (last.held - first.held) : 0,
      errors,
      firstError: first.first_error || last.first_error || `${last.held} of ${many} sessions`,
    }
  } catch (error) {
    return { value: 0, errors: 1, firstError: error instanceof Error ? error.message : String(error) }
  } finally {
    await sessions.close()
  }
}

function sessionCounts(metric: IdleMetric, running: RunningPeer, pace: Pace['idle']): readonly [number, number] {
  if (running.peer.processPerSession) return pace.processPerSession
  const [few, many] = metric.tls ? pace.tls : pace.plain
  const share = Math.min(1, mostSessions(pace.peersAtOnce) / many)
  return [Math.floor(few * share), Math.floor(many * share)]
}

/** Files besides the sessions' own: logs, libraries, listeners. */
const OTHER_FILES = 500

/** What the limit of open files allows: a proxy needs two for a session, the backend one for each peer's. */
function mostSessions(peersAtOnce: number): number {
  const limit = Number(/^Max open files\s+\d+\s+(\d+)/m.exec(readFileSync('/proc/self/limits', 'latin1'))?.[1] ?? 1024)
  return (limit - OTHER_FILES) / Math.max(2, peersAtOnce)
}
