// What a configuration says, as flat paths: `namespace/inbox/separator`. The same paths are used by `-o`, by userdb fields and
// by `doveconf -S`. Names in paths are escaped, so that a name may hold a slash.
import type { SourcePosition } from '../complaint.ts'
import type { FilterSpec } from '../filter.ts'

/** A value that was set. */
export interface StoredValue {
  /** The one way `doveconf` writes it. */
  readonly text: string
  /** What its row made of it. */
  readonly value: unknown
  readonly at: SourcePosition
}

/** An entry of a list such as `service` or `passdb`. */
export interface ListEntry {
  /** Its part of a path. */
  readonly id: string
  readonly at: SourcePosition
}

/** Everything that one combination of filters says; the global block is the one without conditions. */
export interface Block {
  readonly filter: FilterSpec
  readonly at: SourcePosition
  /** Values by path. */
  readonly values: Map<string, StoredValue>
  /** Entries by the path of their list, in the order of the file. */
  readonly lists: Map<string, ListEntry[]>
}

export function openBlock(filter: FilterSpec, at: SourcePosition): Block {
  return { filter, at, values: new Map(), lists: new Map() }
}

/** A name as part of a path. */
export function escapeName(name: string): string {
  return name.replaceAll('\\', '\\\\').replaceAll('/', '\\s').replaceAll('=', '\\e').replaceAll(' ', '\\_')
}

/** Undoes `escapeName`. */
export function unescapeName(id: string): string {
  return id.replace(/\\(.)/gs, (_, letter: string) => ({ s: '/', e: '=', _: ' ' })[letter] ?? letter)
}
