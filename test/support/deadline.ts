/** How long a test waits for one thing before it calls that a failure. Long enough for a busy machine with two cores. */
export const PATIENCE_MS = 15_000

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
