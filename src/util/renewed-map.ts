/** So many keys that are gone do not matter. */
const GONE = 256

/**
 * A long-lived Map of what comes and goes under names from outside, or numbers. A plain Map would keep its garbage (`LiveList` says
 * why): this one leaves gone keys where they are until they are more than half, and then begins anew with those that live.
 */
export class RenewedMap<Value, Key = string> {
  #entries = new Map<Key, Value | undefined>()
  #gone = 0

  get size(): number {
    return this.#entries.size - this.#gone
  }

  get(key: Key): Value | undefined {
    return this.#entries.get(key)
  }

  set(key: Key, value: Value): void {
    // A gone key that comes back is found by its place, which it still has.
    const count = this.#entries.size
    if (this.#gone > 0 && this.#entries.get(key) === undefined) {
      this.#entries.set(key, value)
      if (this.#entries.size === count) this.#gone--
      return
    }
    this.#entries.set(key, value)
  }

  delete(key: Key): void {
    if (this.#entries.get(key) === undefined) return
    this.#entries.set(key, undefined)
    this.#gone++
    if (this.#gone > GONE && this.#gone * 2 > this.#entries.size) this.#renew()
  }

  /** Those of this moment, in no promised order: what comes or goes meanwhile changes nothing. */
  values(): Value[] {
    const values: Value[] = []
    for (const value of this.#entries.values()) if (value !== undefined) values.push(value)
    return values
  }

  /** As `values`. */
  keys(): Key[] {
    const keys: Key[] = []
    for (const [key, value] of this.#entries) if (value !== undefined) keys.push(key)
    return keys
  }

  #renew(): void {
    const living = new Map<Key, Value | undefined>()
    for (const [key, value] of this.#entries) if (value !== undefined) living.set(key, value)
    this.#entries = living
    this.#gone = 0
  }
}
