import { setFlagsFromString } from 'node:v8'

/** How V8 is to treat a worker. Measured with the bench of `docs/performance.md`; correctness never hangs on it. */

/**
 * For the command line of every worker.
 *
 * One thread collects young objects: what survives is a few hundred kilobytes, and waking four threads to share it costs more
 * than the work, on cores that sessions want.
 *
 * Nothing here uses AsyncLocalStorage, so no promise need remember a context. (Who does use it, gets it through async_hooks.)
 */
export const EVERY_WORKER_FLAGS: readonly string[] = [
  '--max-semi-space-size=16',
  '--no-parallel-scavenge',
  '--no-async-context-frame',
]

/**
 * For workers, of which there are as many as cores.
 *
 * The space for young objects has one size from the beginning. Left alone, V8 lets it grow to 64 MB in a burst of logins and
 * keeps it; with 16 MB nearly all that a login makes is garbage when space runs out, and with 4 MB a sixth of it had to be
 * copied, most of that twice. An idle session costs the same with either, a process 20 MB more (30 to 60 when it has work).
 *
 * All that is alive takes 30 MB in a worker with few sessions. Left alone, V8 looks through it again for every few megabytes that
 * TLS handshakes leave behind, 50 ms of CPU each time; now it waits until there is three times as much.
 *
 * A login runs through more of Node's own code than the processor's caches have addresses of pages for. Moved to pages of 2 MB,
 * where the system has them to give, it takes 3 to 5 % less CPU; a worker keeps a copy of 40 MB for that. Profilers do not know the
 * names of what was moved: `--use-largepages=off` on our own command line comes later, and counts.
 */
export const WORKER_FLAGS: readonly string[] = [
  '--min-semi-space-size=16',
  '--use-largepages=silent',
  ...EVERY_WORKER_FLAGS,
  '--heap-growing-percent=200',
]

/**
 * Each fsync is waited for by a thread of libuv's pool, which has 4 unless told otherwise before its first use. Those that wait
 * at the same time share one commit of the file system's journal: the more, the better for deliveries.
 */
const THREADS = 16

/**
 * A login runs most of its code once, so that code is slow to count as hot. Maglev, which is cheap, comes after 50 calls
 * instead of 400, and TurboFan after 400 instead of 3,000: the first thousand logins of a worker cost somewhat more, but
 * it is as fast as it gets after 4,000 instead of 12,000. With 1,500 calls what comes out in the end is 5 % faster, but takes
 * too long to come on busy cores. A Node that does not know a flag says so and goes on.
 */
export function optimizeEarly(): void {
  process.env['UV_THREADPOOL_SIZE'] ??= `${THREADS}`
  setFlagsFromString('--invocation-count-for-maglev=50')
  setFlagsFromString('--invocation-count-for-turbofan=400')
  setFlagsFromString('--minimum-invocations-after-ic-update=50')
}
