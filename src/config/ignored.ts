import type { Complaint } from './complaint.ts'
import type { Block } from './evaluate/block.ts'
import { rootPlace, resolvePath } from './evaluate/resolve-path.ts'

const IGNORED_SECTIONS: ReadonlyMap<string, string> = new Map([
  ['metric', 'see postern_metrics_listen'],
  ['event_exporter', 'see postern_metrics_listen'],
])

/** A warning for every setting that was set and has no effect, with the reason; each setting once. */
export function ignoredSettings(blocks: readonly Block[]): readonly Complaint[] {
  const complaints = new Map<string, Complaint>()
  for (const block of blocks) {
    for (const [path, { text, at }] of block.values) {
      const target = resolvePath(block, rootPlace, path)
      if (target?.kind !== 'row' || target.row.ignored === undefined || text === target.row.default) continue
      if (complaints.has(path)) continue
      complaints.set(path, { severity: 'warning', text: `${path} has no effect: ${target.row.ignored}`, at })
    }
    for (const [path, entries] of block.lists) {
      const reason = IGNORED_SECTIONS.get(path)
      const [first] = entries
      if (reason === undefined || first === undefined || complaints.has(path)) continue
      complaints.set(path, { severity: 'warning', text: `${path} {} has no effect: ${reason}`, at: first.at })
    }
  }
  return [...complaints.values()]
}
