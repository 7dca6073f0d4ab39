// What one user has seen of one mailbox, as rows of a file. Every method throws what SQLite throws.
import type { IndexFile, OpenIndex } from '../index/index-file.ts'

/** A mailbox: by its GUID, for as long as its UIDVALIDITY holds. */
export interface PrivateMailboxKey {
  readonly guid: string
  readonly uidValidity: number
}

export interface SeenRow {
  readonly uid: number
  readonly modSeq: number
  readonly isSeen: boolean
}

export interface SeenRows {
  /** MODSEQ of the newest change. */
  readonly modSeq: number
  readonly rows: readonly SeenRow[]
}

export class PrivateRows {
  readonly #file: () => IndexFile
  readonly #key: PrivateMailboxKey

  constructor(file: () => IndexFile, key: PrivateMailboxKey) {
    this.#file = file
    this.#key = key
  }

  /** Changes after a MODSEQ; nothing when there are none. */
  changedSince(modSeq: number): SeenRows | undefined {
    return this.#file().run((index) => {
      const known = this.#find(index)
      if (known === undefined || known.modSeq <= modSeq) return undefined
      const sql = 'SELECT uid, mod_seq, is_seen FROM seen WHERE mailbox = ? AND mod_seq > ?'
      const found = index.statement(sql).all(known.id, modSeq) as unknown as readonly (readonly number[])[]
      const rows = found.map(([uid = 0, at = 0, isSeen]) => ({ uid, modSeq: at, isSeen: isSeen === 1 }))
      return { modSeq: known.modSeq, rows }
    })
  }

  /** `modSeq` is asked while nobody else can write: whoever looked for news before will find these. */
  mark(uids: readonly number[], isSeen: boolean, modSeq: () => number): number {
    return this.#file().write((index) => {
      const id = this.#find(index)?.id ?? this.#make(index)
      const given = modSeq()
      const insert = index.statement('INSERT OR REPLACE INTO seen VALUES (?, ?, ?, ?)')
      for (const uid of uids) insert.run(id, uid, given, isSeen ? 1 : 0)
      const sql = 'UPDATE mailbox SET mod_seq = max(mod_seq, ?), status_signature = NULL WHERE id = ?'
      index.statement(sql).run(given, id)
      return given
    })
  }

  /** Whether anything was ever kept of this mailbox. */
  isKnown(): boolean {
    return this.#file().run((index) => this.#find(index) !== undefined)
  }

  /** What was seen before anything was kept here; false when somebody was first. */
  begin(seen: readonly number[], modSeq: () => number): boolean {
    return this.#file().write((index) => {
      if (this.#find(index) !== undefined) return false
      const id = this.#make(index)
      if (seen.length === 0) return true
      const given = modSeq()
      const insert = index.statement('INSERT INTO seen VALUES (?, ?, ?, 1)')
      for (const uid of seen) insert.run(id, uid, given)
      index.statement('UPDATE mailbox SET mod_seq = ? WHERE id = ?').run(given, id)
      return true
    })
  }

  /** Messages that are gone. */
  drop(uids: readonly number[]): void {
    this.#file().write((index) => {
      const id = this.#find(index)?.id
      if (id === undefined) return
      const remove = index.statement('DELETE FROM seen WHERE mailbox = ? AND uid = ?')
      for (const uid of uids) remove.run(id, uid)
    })
  }

  /** How many messages are unseen, if that was kept for files with this signature. */
  keptUnseen(signature: string): number | undefined {
    return this.#file().run((index) => {
      const sql = 'SELECT status_unseen FROM mailbox WHERE guid = ? AND uid_validity = ? AND status_signature = ?'
      const { guid, uidValidity } = this.#key
      const found = index.statement(sql).get(guid, uidValidity, signature) as unknown as readonly number[] | undefined
      return found?.[0]
    })
  }

  /** Keeps the count, unless something changed after `modSeq`. */
  keepUnseen(signature: string, unseen: number, modSeq: number): void {
    this.#file().write((index) => {
      const id = this.#find(index)?.id ?? this.#make(index)
      const sql = 'UPDATE mailbox SET status_signature = ?, status_unseen = ? WHERE id = ? AND mod_seq <= ?'
      index.statement(sql).run(signature, unseen, id, modSeq)
    })
  }

  #find(index: OpenIndex): { readonly id: number; readonly modSeq: number } | undefined {
    const sql = 'SELECT id, mod_seq FROM mailbox WHERE guid = ? AND uid_validity = ?'
    const found = index.statement(sql).get(this.#key.guid, this.#key.uidValidity) as unknown as
      | readonly number[]
      | undefined
    return found?.[0] === undefined || found[1] === undefined ? undefined : { id: found[0], modSeq: found[1] }
  }

  /** Messages of another UIDVALIDITY are other messages. */
  #make(index: OpenIndex): number {
    const { guid, uidValidity } = this.#key
    index.statement('DELETE FROM seen WHERE mailbox = (SELECT id FROM mailbox WHERE guid = ?)').run(guid)
    index.statement('DELETE FROM mailbox WHERE guid = ?').run(guid)
    const made = index.statement('INSERT INTO mailbox VALUES (NULL, ?, ?, 0, NULL, NULL)').run(guid, uidValidity)
    return Number(made.lastInsertRowid)
  }
}
