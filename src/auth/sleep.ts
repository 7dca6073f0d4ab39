import type { Clock } from './needs.ts'

/** Resolves after `ms`, or at once when the client is gone. */
export function sleep(clock: Clock, ms: number, signal: AbortSignal): Promise<void> {
  if (ms <= 0 || signal.aborted) return Promise.resolve()
  return new Promise((resolve) => {
    const done = (): void => {
      cancel()
      signal.removeEventListener('abort', done)
      resolve()
    }
    const cancel = clock.timer(ms, done)
    signal.addEventListener('abort', done)
  })
}
