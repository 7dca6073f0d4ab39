import { readFileSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { processTree } from './process-tree.ts'

/** Seconds of CPU that the processes, their descendants and their children that ended have used so far. */
export function cpuSeconds(pids: readonly number[]): number {
  return processTree(pids).reduce((sum, stat) => sum + stat.cpuSeconds, 0)
}

/** Seconds that all cores together were busy or, in a virtual machine, taken away (/proc/stat, proc(5)). */
function busySeconds(): number {
  const fields = readFileSync('/proc/stat', 'latin1').split('\n', 1)[0]?.split(/\s+/).slice(1, 9).map(Number) ?? []
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = fields
  return (user + nice + system + irq + softirq + steal) / 100
}

/**
 * Starts watching what others do on this machine. The function returned tells their share of all cores since, 0 to 1:
 * everything that is not this process or a descendant of it.
 */
export function watchForeignCpu(): () => number {
  const start = { at: performance.now(), busy: busySeconds(), own: cpuSeconds([process.pid]) }
  return () => {
    const elapsed = ((performance.now() - start.at) / 1000) * availableParallelism()
    const foreign = busySeconds() - start.busy - (cpuSeconds([process.pid]) - start.own)
    return Math.min(Math.max(foreign / elapsed, 0), 1)
  }
}
