import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { processTree } from './process-tree.ts'

/**
 * KB of memory of the processes and all their descendants, a page that n processes share counted as 1/n of a page
 * (the line Pss of /proc/PID/smaps_rollup, proc(5)). Throws when a process does not let us look.
 */
export function pssKb(pids: readonly number[]): number {
  return processTree(pids).reduce((sum, stat) => sum + pssOf(stat.pid), 0)
}

function pssOf(pid: number): number {
  try {
    return Number(/^Pss:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1'))?.[1] ?? 0)
  } catch (error) {
    // A process that ended meanwhile has no memory.
    if (error instanceof Error && 'code' in error && (error.code === 'ESRCH' || error.code === 'ENOENT')) return 0
    throw error
  }
}

const STEP_MS = 150
const STEADY_SHARE = 0.005

/** The memory once two readings in a row agree within half a percent, or the last reading when the time is up. */
export async function steadyPssKb(pids: readonly number[], patienceMs: number): Promise<number> {
  let last = pssKb(pids)
  for (const end = performance.now() + patienceMs; performance.now() < end; ) {
    await delay(STEP_MS)
    const next = pssKb(pids)
    if (Math.abs(next - last) <= last * STEADY_SHARE) return next
    last = next
  }
  return last
}
