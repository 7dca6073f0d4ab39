import type { FormatContext, FormatStore, MailFormat, MailLocation } from './format.ts'

/** What can be made to fail: methods of the store, of an open mailbox, and of an appending. */
export type FormatOperation =
  | 'list'
  | 'subscriptions'
  | 'subscribe'
  | 'create'
  | 'delete'
  | 'rename'
  | 'open'
  | 'changed'
  | 'sync'
  | 'setFlags'
  | 'expunge'
  | 'openMessage'
  | 'internalDate'
  | 'beginAppend'
  | 'begin'
  | 'write'
  | 'end'
  | 'link'
  | 'commit'
  | 'abort'
  | 'close'

/** Another format that fails on request, and says what was asked of it. For tests. */
export class FailingFormat implements MailFormat {
  readonly name: string
  /** Every operation, in order. */
  readonly calls: FormatOperation[] = []
  readonly #format: MailFormat
  readonly #failures = new Map<string, Error[]>()
  /** What is behind each wrapper. */
  readonly #wrapped = new WeakMap<object, object>()

  constructor(format: MailFormat) {
    this.#format = format
    this.name = format.name
  }

  /** The next call of the operation fails; called again, the one after it, too. */
  failNext(operation: FormatOperation, error: Error = new Error(`${operation} failed`)): void {
    this.#failures.set(operation, [...(this.#failures.get(operation) ?? []), error])
  }

  /** How often an operation was asked for. */
  count(operation: FormatOperation): number {
    return this.calls.filter((call) => call === operation).length
  }

  open(location: MailLocation, context: FormatContext): FormatStore {
    return this.#wrap(this.#format.open(location, context))
  }

  #wrap<T extends object>(of: T): T {
    const wrapper = new Proxy(of, {
      get: (target, key) => {
        // Getters and methods work on the format's own object: it may have private fields.
        const value: unknown = Reflect.get(target, key, target)
        if (typeof value !== 'function') return value
        return (...args: unknown[]): unknown => this.#call(key as FormatOperation, value.bind(target), args)
      },
    })
    this.#wrapped.set(wrapper, of)
    return wrapper
  }

  #call(operation: FormatOperation, work: (...args: unknown[]) => unknown, args: readonly unknown[]): unknown {
    this.calls.push(operation)
    const failure = this.#failures.get(operation)?.shift()
    if (failure !== undefined) {
      if (operation === 'changed' || operation === 'openMessage' || operation === 'write') throw failure
      return Promise.reject(failure)
    }
    const result = work(...args.map((arg) => this.#unwrapped(arg)))
    if (operation !== 'open' && operation !== 'beginAppend') return result
    return Promise.resolve(result).then((opened) => this.#wrap(opened as object))
  }

  #unwrapped(value: unknown): unknown {
    return typeof value === 'object' && value !== null ? (this.#wrapped.get(value) ?? value) : value
  }
}
