/**
 * What lives for a while, in the order it came: connections, sessions.
 *
 * Not a Set, as those must not be long-lived while members come and go. V8 leaves a full table of a Set or Map for a new one, and
 * the old one points to its members of that time and to its successor. One old table that was promoted to the old generation keeps
 * all that come after it from dying young, with everything their members hold, and they the next: after the first full
 * collection nearly all garbage of sessions became old, at three times the CPU (docs/decisions/0012-lists-of-the-living.md).
 */
export class LiveList<Item> {
  readonly #ends: Link<Item>
  #size = 0

  constructor() {
    const ends: Link<Item> = { item: undefined, before: undefined, after: undefined }
    ends.before = ends
    ends.after = ends
    this.#ends = ends
  }

  get size(): number {
    return this.#size
  }

  /** The one that has been here longest. */
  get oldest(): Item | undefined {
    return this.#ends.after?.item
  }

  /** Returns its place, for `remove`. */
  add(item: Item): Place<Item> {
    const link: Link<Item> = { item, before: undefined, after: undefined }
    this.#append(link)
    this.#size++
    return link
  }

  /** As if it had come only now. What is gone stays gone. */
  moveToEnd(place: Place<Item>): void {
    const link = place as Link<Item>
    if (link.after === undefined || link.after === this.#ends) return
    cut(link)
    this.#append(link)
  }

  /** May be called again. */
  remove(place: Place<Item>): void {
    const link = place as Link<Item>
    if (link.after === undefined || link === this.#ends) return
    cut(link)
    link.item = undefined
    this.#size--
  }

  removeOldest(): Item | undefined {
    const first = this.#ends.after
    const item = first?.item
    if (first !== undefined) this.remove(first)
    return item
  }

  /** Those of this moment: what comes or goes meanwhile changes nothing. */
  all(): Item[] {
    const items: Item[] = []
    for (let link = this.#ends.after; link?.item !== undefined; link = link.after) items.push(link.item)
    return items
  }

  #append(link: Link<Item>): void {
    const last = this.#ends.before ?? this.#ends
    link.before = last
    link.after = this.#ends
    last.after = link
    this.#ends.before = link
  }
}

function cut<Item>(link: Link<Item>): void {
  const { before, after } = link
  if (before !== undefined) before.after = after
  if (after !== undefined) after.before = before
  // What is gone may be old already, and must not keep those that come later.
  link.before = undefined
  link.after = undefined
}

/** Where an item is in its list. */
export interface Place<Item> {
  /** Undefined when it is gone. */
  readonly item: Item | undefined
}

interface Link<Item> {
  item: Item | undefined
  before: Link<Item> | undefined
  after: Link<Item> | undefined
}
