import { LiveList, type Place } from './live-list.ts'
import { RenewedMap } from './renewed-map.ts'

/** What is found under a name while it lives, in the order it was used; whoever keeps it decides what goes and when. */
export class RecentlyUsed<Value> {
  /** Oldest use first. */
  readonly #order = new LiveList<Value>()
  readonly #places = new RenewedMap<Place<Value>>()

  get size(): number {
    return this.#order.size
  }

  /** The one that was used the longest ago. */
  get oldest(): Value | undefined {
    return this.#order.oldest
  }

  /** Is no use. */
  get(key: string): Value | undefined {
    return this.#places.get(key)?.item
  }

  /** In place of what was there. */
  set(key: string, value: Value): void {
    this.delete(key)
    this.#places.set(key, this.#order.add(value))
  }

  use(key: string): void {
    const place = this.#places.get(key)
    if (place !== undefined) this.#order.moveToEnd(place)
  }

  delete(key: string): void {
    const place = this.#places.get(key)
    if (place === undefined) return
    this.#order.remove(place)
    this.#places.delete(key)
  }

  /** Those of this moment, oldest use first: what comes or goes meanwhile changes nothing. */
  all(): Value[] {
    return this.#order.all()
  }
}
