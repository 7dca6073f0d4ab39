// What holds for one connection: all blocks that match it, the special ones over the general ones.
import type { SourcePosition } from './complaint.ts'
import type { Block, ListEntry, StoredValue } from './evaluate/block.ts'
import { compareSpecificity, type FilterQuery, isSuperset, matchesFilter } from './filter.ts'

/** Values and list entries of one connection, by path. */
export interface Merged {
  readonly values: ReadonlyMap<string, StoredValue>
  readonly lists: ReadonlyMap<string, readonly ListEntry[]>
}

/** A setting that two blocks set, neither of which is the more special one. */
export interface Conflict {
  /** The last part of the path. */
  readonly key: string
  /** The block whose value lost. */
  readonly block: Block
}

/** The blocks that apply to a connection, the most special first. */
export function matchingBlocks(blocks: readonly Block[], query: FilterQuery): readonly Block[] {
  return blocks
    .filter((block) => matchesFilter(block.filter, query))
    .toSorted((left, right) => compareSpecificity(left.filter, right.filter))
}

/** Lays blocks over each other, the first one on top. A conflict is decided for the block that comes first. */
export function mergeBlocks(blocks: readonly Block[]): Merged & { readonly conflicts: readonly Conflict[] } {
  const values = new Map<string, StoredValue>()
  const lists = new Map<string, ListEntry[]>()
  const conflicts: Conflict[] = []
  for (const [index, block] of blocks.entries()) {
    const above = blocks[index - 1]
    const related = above === undefined || isSuperset(block.filter, above.filter)
    const ids = mergeLists(lists, block, index)
    for (const [path, value] of block.values) {
      const renamed = ids.size === 0 ? path : renamePath(path, ids)
      if (!values.has(renamed)) values.set(renamed, value)
      else if (!related && !isFree(path)) conflicts.push({ key: path.slice(path.lastIndexOf('/') + 1), block })
    }
  }
  return { values, lists, conflicts }
}

/** Adds a block's entries. Databases are never the same entry in two blocks: the result says which got another id. */
function mergeLists(lists: Map<string, ListEntry[]>, block: Block, index: number): ReadonlyMap<string, string> {
  const ids = new Map<string, string>()
  for (const [path, entries] of block.lists) {
    const merged = lists.get(path) ?? []
    lists.set(path, merged)
    for (const entry of entries) {
      const known = merged.some(({ id }) => id === entry.id)
      if (!known) merged.push(entry)
      else if (path === 'passdb' || path === 'userdb') {
        const id = `${entry.id}\\${index}`
        merged.push({ ...entry, id })
        ids.set(`${path}/${entry.id}/`, `${path}/${id}/`)
      }
    }
  }
  return ids
}

function renamePath(path: string, ids: ReadonlyMap<string, string>): string {
  for (const [from, to] of ids) if (path.startsWith(from)) return to + path.slice(from.length)
  return path
}

/** Keys of dictionaries never conflict. */
function isFree(path: string): boolean {
  return path.startsWith('plugin/') || path.startsWith('dict/')
}

/** Where a value comes from, for messages: FILE:LINE. */
export function printPosition(at: SourcePosition): string {
  return at.line === 0 ? at.file : `${at.file}:${at.line}`
}
