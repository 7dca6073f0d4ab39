import type { OpenIndex } from './index-file.ts'
import { rows } from './index-query.ts'
import type { KeyedRecord } from './mailbox-index.ts'
import type { PackedSummaryOf } from './pending-summaries.ts'
import { SUMMARY_VERSIONS } from './summary-codec.ts'

/** Only of messages that are still recorded; that of a header does not take the place of a whole one. */
const ADD_SUMMARY = `
INSERT INTO summary SELECT ?, ?, ?, ? WHERE EXISTS (SELECT 1 FROM message WHERE mailbox = ? AND uid = ?)
ON CONFLICT (mailbox, uid) DO UPDATE SET key = excluded.key, data = excluded.data
WHERE key <> excluded.key OR hex(substr(excluded.data, 1, 1)) <> '${versionByte(SUMMARY_VERSIONS.headerOnly)}'
  OR hex(substr(data, 1, 1)) <> '${versionByte(SUMMARY_VERSIONS.whole)}'`

function versionByte(version: number): string {
  return Buffer.from([version]).toString('hex').toUpperCase()
}

/** Writes summaries, inside a transaction. */
export function addSummaryRows(index: OpenIndex, id: number, summaries: readonly PackedSummaryOf[]): void {
  const add = index.statement(ADD_SUMMARY)
  for (const { of, packed } of summaries) add.run(id, of.uid, of.key, packed, id, of.uid)
}

/** Rows of messages in the order of their UIDs; far apart, they are asked for one by one. */
export function summaryRows(
  index: OpenIndex,
  id: number,
  records: readonly KeyedRecord[],
): readonly (readonly unknown[])[] {
  const first = records[0]?.uid ?? 0
  const last = records.at(-1)?.uid ?? 0
  if (last - first < records.length * 4)
    return rows(index, 'SELECT uid, key, data FROM summary WHERE mailbox = ? AND uid BETWEEN ? AND ?', id, first, last)
  return records.flatMap(({ uid }) =>
    rows(index, 'SELECT uid, key, data FROM summary WHERE mailbox = ? AND uid = ?', id, uid),
  )
}
