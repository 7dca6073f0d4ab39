/** A promise and the functions that settle it. A rejection nobody waits for yet is not "unhandled". */
export class Deferred<Value> {
  readonly promise: Promise<Value>
  readonly resolve: (value: Value) => void
  readonly reject: (error: Error) => void

  constructor() {
    const { promise, resolve, reject } = Promise.withResolvers<Value>()
    this.promise = promise
    this.resolve = resolve
    this.reject = reject
    promise.catch(() => undefined)
  }
}
