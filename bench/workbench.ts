import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { BenchOptions } from './args.ts'
import { makeCertificate } from './certificates.ts'
import { startBackend } from './load/backend.ts'
import { compileLoad } from './load/compile.ts'
import type { Peer } from './peers/peer.ts'
import { type RunningPeer, startPeer } from './peers/start.ts'
import type { Group } from './plan.ts'
import { Results } from './results.ts'

/** What all parts of a run share: the load generator, the running peers, the results so far. */
export interface Workbench {
  readonly options: BenchOptions
  /** The load generator's path. */
  readonly loadgen: string
  readonly results: Results
  /** Tells somebody who waits what is going on. */
  readonly tell: (text: string) => void
  /** Milliseconds that are left of the budget. */
  readonly left: () => number
  /** Starts peers side by side. Those that do not start are noted in the results. */
  start(group: Group, peers: readonly Peer[]): Promise<RunningPeer[]>
}

/** Prepares a run. Disposing of the stack ends all that was started and removes the files. */
export async function openWorkbench(
  options: BenchOptions,
  tell: (text: string) => void,
  stack: AsyncDisposableStack,
): Promise<Workbench> {
  const opened = performance.now()
  const directory = mkdtempSync(join(tmpdir(), 'postern-bench-'))
  const remove = () => rmSync(directory, { recursive: true, force: true })
  stack.defer(remove)
  process.once('exit', remove) // the way out of an interrupted run
  chmodSync(directory, 0o755) // peers change to users of their own
  const [binaries, p256, rsa2048] = await Promise.all([
    compileLoad(),
    makeCertificate(directory, 'p256'),
    makeCertificate(directory, 'rsa2048'),
  ])
  const backend = await startBackend(binaries.backend)
  stack.defer(backend.stop)

  const results = new Results()
  const shared = { directory, backend: backend.ports, workers: availableParallelism() }
  const certificates = { p256, rsa2048 }
  let starts = 0

  return {
    options,
    loadgen: binaries.loadgen,
    results,
    tell,
    left: () => options.pace.budgetMs - (performance.now() - opened),
    start: async (group, peers) => {
      const site = { ...shared, protocol: group.protocol, certificate: certificates[group.keyType] }
      const label = `${group.key}-${++starts}`
      gatherFreeMemory()
      const outcomes = await Promise.all(peers.map((peer) => startPeer(peer, site, label)))
      return outcomes.filter((outcome) => {
        if ('pids' in outcome) stack.defer(outcome.stop)
        else if (results.noteAbsence(outcome.peer, group.protocol, outcome.why)) {
          tell(`${outcome.peer.title}: ${outcome.why}`)
        }
        return 'pids' in outcome
      })
    },
  }
}

/**
 * Asks the kernel to move free memory together, which only root may. On a machine that has been up for long it lies in pieces; then
 * whoever starts first gets the worst of them, and pays for it as long as it runs.
 */
function gatherFreeMemory(): void {
  try {
    writeFileSync('/proc/sys/vm/compact_memory', '1')
  } catch {
    // It is as it is for all peers.
  }
}
