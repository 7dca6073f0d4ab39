import type { MessagePart, PartKind, PartSize } from './message-part.ts'

/** A size that grows. */
export class GrowingSize implements PartSize {
  physical = 0
  virtual = 0
  lines = 0

  add(other: PartSize): void {
    this.physical += other.physical
    this.virtual += other.virtual
    this.lines += other.lines
  }
}

/** A part while it is being parsed. */
export class MimeNode implements MessagePart {
  readonly start: number
  readonly parent: MimeNode | undefined
  readonly header = new GrowingSize()
  readonly body = new GrowingSize()
  readonly children: MimeNode[] = []
  readonly depth: number
  kind: PartKind = 'other'
  digest = false
  /** Its Content-* fields count: it said so, or it is part of a multipart. */
  isMime = false

  constructor(parent: MimeNode | undefined) {
    this.parent = parent
    this.depth = parent === undefined ? 0 : parent.depth + 1
    this.start = parent === undefined ? 0 : parent.start + parent.header.physical + parent.body.physical
    parent?.children.push(this)
  }
}
