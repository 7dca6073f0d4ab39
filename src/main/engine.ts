import { setFlagsFromString } from 'node:v8'

/** How V8 is to treat a worker. Measured with the bench of `docs/performance.md`; correctness never hangs on it. */

/**
 * For the command line. V8 lets the space for young objects grow to 64 MB in a burst of logins and keeps it: with this
 * limit an idle session costs half the memory, for no CPU that could be measured.
 */
export const WORKER_FLAGS: readonly string[] = ['--max-semi-space-size=4']

/**
 * A login runs most of its code once, so that code is slow to count as hot. Maglev, which is cheap, comes after 50 calls
 * instead of 400. TurboFan keeps V8's number: asked for earlier it costs more CPU in the first thousand logins than it
 * saves, and memory. A Node that does not know a flag says so and goes on.
 */
export function optimizeEarly(): void {
  setFlagsFromString('--invocation-count-for-maglev=50')
  setFlagsFromString('--minimum-invocations-after-ic-update=50')
}
