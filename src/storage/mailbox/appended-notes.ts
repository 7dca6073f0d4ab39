import { RenewedMap } from '../../util/renewed-map.ts'

interface Note {
  first: number
  last: number
  readonly written: Promise<void>
}

/**
 * Notes of messages that were put into mailboxes nobody has open, by the key of `SharedMailboxes`: one for all that were committed
 * together.
 */
export class AppendedNotes {
  readonly #pending = new RenewedMap<Note>()

  /** Resolves when `write` was called, with the first of all UIDs and the one behind the last. */
  add(key: string, uids: readonly number[], write: (firstUid: number, uidNext: number) => void): Promise<void> {
    const [first, last] = [uids[0], uids.at(-1)]
    if (first === undefined || last === undefined) return Promise.resolve()
    const known = this.#pending.get(key)
    if (known !== undefined) {
      known.first = Math.min(known.first, first)
      known.last = Math.max(known.last, last)
      return known.written
    }
    // Those committed together come here in the same turn of the microtask queue.
    const written = Promise.resolve().then(() => {
      this.#pending.delete(key)
      write(note.first, note.last + 1)
    })
    const note: Note = { first, last, written }
    this.#pending.set(key, note)
    return written
  }
}
