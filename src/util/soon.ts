/**
 * A value that is here already, or a promise of it. What most logins take is here already: then nothing waits, and the
 * promises and turns of the microtask queue that a chain of async functions would cost are not paid.
 */
export type Soon<T> = T | Promise<T>

/** Goes on with the value: at once when it is here, otherwise when it comes. What `next` throws is thrown, or rejects. */
export function andThen<T, U>(value: Soon<T>, next: (value: T) => Soon<U>): Soon<U> {
  return value instanceof Promise ? value.then(next) : next(value)
}
