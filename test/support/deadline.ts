/**
 * How long a test waits for one thing before it calls that a failure. What comes at all comes within seconds, but not on a machine
 * that does ten other things; only a test that fails waits for so long.
 */
export const PATIENCE_MS = 60_000

/** Resolves like `promise`, or rejects with `complaint()` once `ms` have passed. */
export async function within<T>(ms: number, complaint: () => string, promise: Promise<T>): Promise<T> {
  const late = Promise.withResolvers<never>()
  const timer = setTimeout(() => late.reject(new Error(complaint())), ms)
  try {
    return await Promise.race([promise, late.promise])
  } finally {
    clearTimeout(timer)
  }
}
