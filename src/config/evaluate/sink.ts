import type { Complaint, SourcePosition } from '../complaint.ts'
import type { FilterSpec } from '../filter.ts'
import type { RawValue } from '../syntax/line.ts'
import type { ConfigNode, SectionNode } from '../syntax/tree.ts'
import type { Block } from './block.ts'
import type { SchemaPlace } from './resolve-path.ts'

/** A section that is being read. */
export interface Frame extends SchemaPlace {
  readonly block: Block
  /** The frame around it; undefined at the top level. */
  readonly outer: Frame | undefined
  readonly filter: FilterSpec
  /** Types of the sections around a setting that are not filters, for complaints. */
  readonly labels: readonly string[]
  /** The path as Dovecot counts it, where dictionaries have numbers too. */
  readonly counted: string
}

/** What the translation of old settings may do while a configuration is read. */
export interface SettingSink {
  /** The top level. */
  readonly root: Frame
  /** Sets a setting of a section; complains when it cannot be set. */
  assign(frame: Frame, key: string, value: RawValue, at: SourcePosition): void
  /** Reads a section under another type and name, with further nodes in front. */
  openAndRead(frame: Frame, node: SectionNode, type: string, name: string, first: readonly ConfigNode[]): void
  complain(severity: Complaint['severity'], text: string, at: SourcePosition): void
  /** True the first time it is asked. */
  isFirstObsolete(): boolean
}

/** Complains that something is written the way of an older Dovecot; the first time with a hint. */
export function obsolete(sink: SettingSink, what: string, at: SourcePosition): void {
  if (sink.isFirstObsolete()) {
    const hint = 'NOTE: You can get a new clean config file with: doveconf -Pn > dovecot-new.conf'
    sink.complain('warning', hint, at)
  }
  sink.complain('warning', `Obsolete setting in ${at.file}:${at.line}: ${what}`, at)
}
