import { setFlagsFromString } from 'node:v8'

/** How V8 is to treat a worker. Measured with the bench of `docs/performance.md`; correctness never hangs on it. */

/**
 * For the command line. V8 lets the space for young objects grow to 64 MB in a burst of logins and keeps it: with this
 * limit an idle session costs a third less memory, for no CPU that could be measured.
 */
export const WORKER_FLAGS: readonly string[] = ['--max-semi-space-size=4']

/**
 * A login runs most of its code once. V8 waits for 3,000 calls before it optimizes a function, so thousands of logins
 * pay twice; with these numbers it is done after one thousand. A Node that does not know a flag says so and goes on.
 */
export function optimizeEarly(): void {
  setFlagsFromString('--invocation-count-for-maglev=100')
  setFlagsFromString('--invocation-count-for-turbofan=600')
  setFlagsFromString('--minimum-invocations-after-ic-update=100')
}
