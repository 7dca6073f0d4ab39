import { MESSAGE_LIMITS } from './limits.ts'
import type { MimeNode } from './mime-node.ts'

interface Boundary {
  readonly part: MimeNode
  readonly text: string
}

/** A boundary line that was found. */
export interface FoundBoundary {
  /** Whose boundary it is. */
  readonly part: MimeNode
  readonly index: number
  /** Two dashes follow: no more parts. */
  readonly last: boolean
  /** Bytes with all dashes. */
  readonly size: number
}

const CR = 0x0d
const LF = 0x0a
const DASH = 0x2d

/** Enough of a line to know whether it is a boundary: dashes, boundary, dashes. */
const BOUNDARY_LINE_BYTES = MESSAGE_LIMITS.boundaryBytes + 4

/** Boundaries of the multiparts that are open, from the outermost in. RFC 2046 section 5.1. */
export class Boundaries {
  readonly #boundaries: Boundary[] = []

  get empty(): boolean {
    return this.#boundaries.length === 0
  }

  /** The multipart whose boundary came last. */
  get innermost(): MimeNode | undefined {
    return this.#boundaries.at(-1)?.part
  }

  add(part: MimeNode, text: string): void {
    this.#boundaries.push({ part, text })
  }

  /** A boundary line was read: those inside are over, and its own when it was the last. */
  passed({ index, last }: FoundBoundary): void {
    this.#boundaries.length = last ? index : index + 1
  }

  /** Looks for a boundary in the line at `start`; `more` when the bytes end too early to tell. */
  find(bytes: Buffer, start: number, ended: boolean): FoundBoundary | 'more' | undefined {
    const available = bytes.length - start
    if (this.empty || (available > 0 && bytes[start] !== DASH)) return undefined
    if (available < 2) return ended ? undefined : 'more'
    if (bytes[start + 1] !== DASH) return undefined
    let end = start + 2
    const limit = Math.min(bytes.length, start + BOUNDARY_LINE_BYTES)
    while (end < limit && bytes[end] !== LF) end++
    if (end === bytes.length && available < BOUNDARY_LINE_BYTES && !ended) return 'more'
    return this.#match(bytes, start + 2, end)
  }

  /** The boundary that begins from..to: the newest that fits exactly, else the longest, as Dovecot chooses. */
  #match(bytes: Buffer, from: number, to: number): FoundBoundary | undefined {
    const lineEnd = to > from && bytes[to] === LF && bytes[to - 1] === CR ? to - 1 : to
    const length = lineEnd - from
    const dashed = length > 2 && bytes[lineEnd - 1] === DASH && bytes[lineEnd - 2] === DASH
    let best: Boundary | undefined
    let bestIndex = -1
    for (let index = this.#boundaries.length - 1; index >= 0; index--) {
      const boundary = this.#boundaries[index]
      if (boundary === undefined || !this.#fitsBetter(boundary, best, bytes, from, length)) continue
      best = boundary
      bestIndex = index
      if (best.text.length === length || (dashed && best.text.length === length - 2)) break
    }
    if (best === undefined) return undefined
    const after = from + best.text.length
    const last = bytes[after] === DASH && bytes[after + 1] === DASH
    return { part: best.part, index: bestIndex, last, size: 2 + best.text.length + (last ? 2 : 0) }
  }

  #fitsBetter({ text }: Boundary, best: Boundary | undefined, bytes: Buffer, from: number, length: number): boolean {
    return text.length <= length && text.length > (best?.text.length ?? -1) && startsWith(bytes, from, text)
  }
}

function startsWith(bytes: Buffer, from: number, text: string): boolean {
  for (let at = 0; at < text.length; at++) if (bytes[from + at] !== text.charCodeAt(at)) return false
  return true
}
