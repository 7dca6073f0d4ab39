import { setFlagsFromString } from 'node:v8'

/** How V8 is to treat a worker. Measured with the bench of `docs/performance.md`; correctness never hangs on it. */

/**
 * For the command line. V8 lets the space for young objects grow to 64 MB in a burst of logins and keeps it: with this
 * limit an idle session costs a third of the memory, and a large message on its way needs half of what it does with twice
 * the limit.
 */
export const WORKER_FLAGS: readonly string[] = ['--max-semi-space-size=4']

/**
 * A login runs most of its code once, so that code is slow to count as hot. Maglev, which is cheap, comes after 50 calls
 * instead of 400, and TurboFan after 400 instead of 3,000: the first thousand logins of a worker cost somewhat more, but
 * it is as fast as it gets after 4,000 instead of 12,000. A Node that does not know a flag says so and goes on.
 */
export function optimizeEarly(): void {
  setFlagsFromString('--invocation-count-for-maglev=50')
  setFlagsFromString('--invocation-count-for-turbofan=400')
  setFlagsFromString('--minimum-invocations-after-ic-update=50')
}
