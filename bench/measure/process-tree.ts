import { readdirSync, readFileSync } from 'node:fs'

/**
 * Processes as Linux shows them in /proc/PID/stat (proc(5)). A peer is its first processes and all their descendants.
 */

/** USER_HZ: the unit of the times in /proc, 100 on every Linux. */
const TICKS_PER_SECOND = 100

export interface ProcessStat {
  readonly pid: number
  readonly parentPid: number
  /** Ticks after boot: tells a process from a later one with the same number. */
  readonly startTicks: number
  /** User and system time of the process and of the children it has waited for. */
  readonly cpuSeconds: number
}

/** Reads one line of /proc/PID/stat. The name, in parentheses, may itself hold spaces and parentheses. */
export function parseStat(text: string): ProcessStat | undefined {
  const nameEnd = text.lastIndexOf(')')
  const fields = text.slice(nameEnd + 2).split(' ')
  // proc(5) counts from 1 and the first field after the name is its third.
  const field = (number: number) => Number(fields[number - 3])
  const stat = {
    pid: Number.parseInt(text, 10),
    parentPid: field(4),
    startTicks: field(22),
    cpuSeconds: (field(14) + field(15) + field(16) + field(17)) / TICKS_PER_SECOND,
  }
  return nameEnd > 0 && Object.values(stat).every(Number.isFinite) ? stat : undefined
}

function readStat(pid: string): ProcessStat | undefined {
  try {
    return parseStat(readFileSync(`/proc/${pid}/stat`, 'latin1'))
  } catch {
    return undefined // it ended meanwhile
  }
}

/** The processes with these numbers and all their living descendants. */
export function processTree(pids: readonly number[]): ProcessStat[] {
  const all = readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(readStat)
    .filter((stat) => stat !== undefined)
  const children = Map.groupBy(all, (stat) => stat.parentPid)
  const tree = all.filter((stat) => pids.includes(stat.pid))
  for (const stat of tree) tree.push(...(children.get(stat.pid) ?? []))
  return tree
}

/** True when this very process, not a later one with its number, still runs. */
export function isAlive(stat: ProcessStat): boolean {
  return readStat(String(stat.pid))?.startTicks === stat.startTicks
}
