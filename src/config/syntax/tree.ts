import type { Complaint, SourcePosition } from '../complaint.ts'
import type { RawValue } from './line.ts'

/** `key = value` */
export interface AssignNode {
  readonly kind: 'assign'
  readonly key: string
  readonly value: RawValue
  readonly at: SourcePosition
}

/** `type [name] { ... }` */
export interface SectionNode {
  readonly kind: 'section'
  readonly type: string
  readonly name: string
  readonly body: readonly ConfigNode[]
  readonly at: SourcePosition
  /** Where it ends; undefined when the file ends first. */
  readonly end: SourcePosition | undefined
}

/** Something to complain about when the reading comes to this place, so that complaints stay in order. */
export interface ComplaintNode {
  readonly kind: 'complaint'
  readonly complaint: Complaint
  /** What Dovecot says instead; with it set, strict reading turns the complaint into this error. */
  readonly strictError?: string
  readonly at: SourcePosition
}

export type ConfigNode = AssignNode | SectionNode | ComplaintNode

/** The configuration as written, all includes in place. */
export interface ConfigTree {
  readonly path: string
  readonly nodes: readonly ConfigNode[]
  /** Where the innermost section that is still open at the end began. */
  readonly unclosed: SourcePosition | undefined
}
