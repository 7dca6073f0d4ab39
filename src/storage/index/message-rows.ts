// Rows of messages, and the log of those that are gone. Everything here runs inside a transaction.
import type { FormatRecord } from '../formats/format.ts'
import type { OpenIndex } from './index-file.ts'
import { number, row, rows } from './index-query.ts'
import type { IndexChanges } from './mailbox-index.ts'

/** Expunges remembered for VANISHED; when there are twice as many, the older half goes. */
const EXPUNGE_LOG = 10_000

/** So many messages are worth a statement that takes a list. */
const MANY = 16

/** Records single changes; answers whether the new MODSEQ was used. */
export function recordSome(index: OpenIndex, id: number, { changed, expunged }: IndexChanges, next: number): boolean {
  const { known, used: inserted } = insertNew(index, id, changed, next)
  let used = inserted
  const insert = index.statement('INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?)')
  for (const record of known) {
    const [modSeq, flags] = row(
      index,
      'SELECT mod_seq, flags FROM message WHERE mailbox = ? AND uid = ?',
      id,
      record.uid,
    )
    record.modSeq = flags === record.flags.text ? number(modSeq) : next
    if (record.modSeq !== next) continue
    insert.run(id, record.uid, next, record.flags.text)
    used = true
  }
  for (const record of expunged) {
    const modSeq = expunge(index, id, record.uid, next)
    record.modSeq = modSeq
    if (modSeq === next) used = true
  }
  return used
}

/** Messages that were never recorded, by their flags, many at once; answers those that are to be looked at one by one. */
function insertNew(
  index: OpenIndex,
  id: number,
  changed: readonly FormatRecord[],
  next: number,
): { readonly known: readonly FormatRecord[]; readonly used: boolean } {
  if (changed.length < MANY) return { known: changed, used: false }
  const known = changed.filter(({ modSeq }) => modSeq > 0)
  const fresh = changed.filter(({ modSeq }) => modSeq === 0)
  const { refused, count } = addRows(index, id, fresh, next)
  const others = new Set(refused)
  for (const record of fresh) if (!others.has(record)) record.modSeq = next
  return { known: [...known, ...refused], used: count > 0 }
}

/** Rows for messages that have none. `refused`: of some of these there was one already. */
export function addRows(
  index: OpenIndex,
  id: number,
  fresh: readonly FormatRecord[],
  modSeq: number,
): { readonly refused: readonly FormatRecord[]; readonly count: number } {
  const refused: FormatRecord[] = []
  let count = 0
  const add = index.statement('INSERT OR IGNORE INTO message SELECT ?, value, ?, ? FROM json_each(?)')
  for (const [flags, records] of Map.groupBy(fresh, (record) => record.flags.text)) {
    const uids = JSON.stringify(records.map(({ uid }) => uid))
    const added = Number(add.run(id, modSeq, flags, uids).changes)
    count += added
    // Another process was there first: the rows say for which.
    if (added < records.length) refused.push(...records)
  }
  return { refused, count }
}

/** Whether any message of the mailbox is recorded. */
export function hasMessages(index: OpenIndex, id: number): boolean {
  return row(index, 'SELECT 1 FROM message WHERE mailbox = ? LIMIT 1', id).length > 0
}

/** Brings all rows of a mailbox together with the messages there are. */
export function recordAll(index: OpenIndex, id: number, { changed }: IndexChanges, next: number): boolean {
  let used = false
  const known = new Map<number, readonly unknown[]>()
  for (const found of rows(index, 'SELECT uid, mod_seq, flags FROM message WHERE mailbox = ?', id)) {
    known.set(number(found[0]), found)
  }
  const insert = index.statement('INSERT OR REPLACE INTO message VALUES (?, ?, ?, ?)')
  for (const record of changed) {
    const found = known.get(record.uid)
    known.delete(record.uid)
    if (found?.[2] === record.flags.text) {
      record.modSeq = number(found[1])
      continue
    }
    record.modSeq = next
    insert.run(id, record.uid, next, record.flags.text)
    used = true
  }
  for (const uid of known.keys()) if (expunge(index, id, uid, next) === next) used = true
  trimLog(index, id)
  return used
}

/** The MODSEQ of an expunge: that of whoever recorded it first. */
function expunge(index: OpenIndex, id: number, uid: number, next: number): number {
  const { changes } = index.statement('DELETE FROM message WHERE mailbox = ? AND uid = ?').run(id, uid)
  index.statement('DELETE FROM summary WHERE mailbox = ? AND uid = ?').run(id, uid)
  if (Number(changes) === 0) {
    const [modSeq] = row(index, 'SELECT max(mod_seq) FROM expunged WHERE mailbox = ? AND uid = ?', id, uid)
    if (typeof modSeq === 'number') return modSeq
  }
  index.statement('INSERT OR IGNORE INTO expunged VALUES (?, ?, ?)').run(id, next, uid)
  return next
}

function trimLog(index: OpenIndex, id: number): void {
  const [count] = row(index, 'SELECT count(*) FROM expunged WHERE mailbox = ?', id)
  if (number(count) <= 2 * EXPUNGE_LOG) return
  const sql = 'SELECT mod_seq FROM expunged WHERE mailbox = ? ORDER BY mod_seq DESC LIMIT 1 OFFSET ?'
  const [oldest] = row(index, sql, id, EXPUNGE_LOG)
  index.statement('DELETE FROM expunged WHERE mailbox = ? AND mod_seq <= ?').run(id, number(oldest))
  index.statement('UPDATE mailbox SET complete_after = ? WHERE id = ?').run(number(oldest), id)
}

/** Takes everything of a mailbox out. */
export function forget(index: OpenIndex, id: number): void {
  for (const table of ['message', 'expunged', 'summary']) {
    index.statement(`DELETE FROM ${table} WHERE mailbox = ?`).run(id)
  }
  index.statement('DELETE FROM mailbox WHERE id = ?').run(id)
}
