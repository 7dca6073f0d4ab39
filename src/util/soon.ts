/**
 * A value that is here already, or a promise of it. What most logins take is here already: then nothing waits, and the
 * promises and turns of the microtask queue that a chain of async functions would cost are not paid.
 */
export type Soon<T> = T | Promise<T>

/** Goes on with the value: at once when it is here, otherwise when it comes. What `next` throws is thrown, or rejects. */
export function andThen<T, U>(value: Soon<T>, next: (value: T) => Soon<U>): Soon<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}

/** What `try` and `finally` are around an await: runs `last` once the value is here or will not come. */
export function andFinally<T>(make: () => Soon<T>, last: () => void): Soon<T> {
  let value: Soon<T>
  try {
    value = make()
  } catch (error) {
    last()
    throw error
  }
  if (!(value instanceof Promise)) {
    last()
    return value
  }
  // Promise.finally would wait for what `last` returns.
  return value.then(
    (settled) => {
      last()
      return settled
    },
    (error: unknown) => {
      last()
      throw error
    },
  )
}
