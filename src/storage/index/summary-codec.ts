// Summaries as bytes: numbers as varints, then what FETCH sends as it is. Reading one costs little more than finding it; the
// tree of parts is only built for whoever asks for it.
import type { SentDate } from '../message/date.ts'
import type { MessagePart, PartKind, PartSize } from '../message/message-part.ts'
import {
  type HeaderSummary,
  isWhole,
  KEPT_FIELDS,
  type KeptField,
  type MessageSummary,
} from '../message/message-summary.ts'

/** Go up when what a summary says changes: older ones are made again. They never have a number in common. */
export const SUMMARY_VERSIONS = { whole: 2, headerOnly: 3 } as const

const KINDS: readonly PartKind[] = ['text', 'multipart', 'message', 'other']

/** What stands behind the head, before kept fields: that of the header, and with it that of the whole message. */
const TEXTS = { headerOnly: 1, whole: 4 } as const

export function packSummary(summary: HeaderSummary): Buffer {
  const kept = summary.fields
  const fields = KEPT_FIELDS.map((name) => kept.get(name))
  const head = new VarintWriter()
  const texts = [summary.envelope]
  let parts: Buffer = NOTHING
  if (isWhole(summary)) {
    const tree = new VarintWriter()
    packPart(tree, summary.root)
    parts = tree.bytes()
    head.add(SUMMARY_VERSIONS.whole, summary.sizePhysical, summary.sizeVirtual, summary.lines)
    texts.push(summary.bodyStructure, summary.body)
  } else head.add(SUMMARY_VERSIONS.headerOnly)
  head.add(summary.partialFields)
  addDate(head, summary.dateSent)
  for (const { length } of texts) head.add(length)
  if (isWhole(summary)) head.add(parts.length)
  for (const field of fields) head.add(field === undefined ? 0 : field.length + 1)
  const known = fields.filter((field) => field !== undefined)
  return Buffer.concat([head.bytes(), Buffer.from(texts.join(''), 'latin1'), parts, ...known])
}

const NOTHING = Buffer.alloc(0)

/** `undefined` for what `packSummary` of this version did not write. The summary keeps the bytes. */
export function unpackSummary(bytes: Buffer): HeaderSummary | MessageSummary | undefined {
  const reader = new VarintReader(bytes)
  const version = reader.next()
  if (version !== SUMMARY_VERSIONS.whole && version !== SUMMARY_VERSIONS.headerOnly) return undefined
  const summary = version === SUMMARY_VERSIONS.whole ? new PackedSummary(reader) : new PackedHeader(reader)
  return summary.isComplete ? summary : undefined
}

/** Texts and fields behind their lengths. */
class Packed {
  readonly partialFields: number
  readonly dateSent: SentDate | undefined
  /** As long as its lengths say. */
  readonly isComplete: boolean
  readonly #bytes: Buffer
  readonly #at: number
  readonly #lengths: readonly number[]
  readonly #texts: number
  #fields: ReadonlyMap<KeptField, Buffer> | undefined

  constructor(reader: VarintReader, texts: number) {
    this.partialFields = reader.next()
    this.dateSent = readDate(reader)
    const lengths: number[] = []
    for (let count = 0; count < texts + KEPT_FIELDS.length; count += 1) lengths.push(reader.next())
    this.#bytes = reader.bytes
    this.#at = reader.at
    this.#lengths = lengths
    this.#texts = texts
    this.isComplete = reader.at + totalOf(lengths, texts) === reader.bytes.length
  }

  get envelope(): string {
    return this.text(0)
  }

  get fields(): ReadonlyMap<KeptField, Buffer> {
    return (this.#fields ??= this.#readFields())
  }

  protected text(number: number): string {
    const from = this.#startOf(number)
    return this.#bytes.toString('latin1', from, from + (this.#lengths[number] ?? 0))
  }

  protected part(number: number): Buffer {
    const from = this.#startOf(number)
    return this.#bytes.subarray(from, from + (this.#lengths[number] ?? 0))
  }

  #startOf(number: number): number {
    let from = this.#at
    for (let index = 0; index < number; index += 1) from += this.#lengths[index] ?? 0
    return from
  }

  #readFields(): ReadonlyMap<KeptField, Buffer> {
    const fields = new Map<KeptField, Buffer>()
    let at = this.#startOf(this.#texts)
    for (const [index, name] of KEPT_FIELDS.entries()) {
      const length = this.#lengths[this.#texts + index] ?? 0
      if (length === 0) continue
      fields.set(name, this.#bytes.subarray(at, at + length - 1))
      at += length - 1
    }
    return fields
  }
}

class PackedHeader extends Packed implements HeaderSummary {
  readonly headerOnly = true

  constructor(reader: VarintReader) {
    super(reader, TEXTS.headerOnly)
  }
}

class PackedSummary extends Packed implements MessageSummary {
  readonly headerOnly = false
  readonly sizePhysical: number
  readonly sizeVirtual: number
  readonly lines: number
  #root: MessagePart | undefined

  constructor(reader: VarintReader) {
    const [sizePhysical, sizeVirtual, lines] = [reader.next(), reader.next(), reader.next()]
    super(reader, TEXTS.whole)
    this.sizePhysical = sizePhysical
    this.sizeVirtual = sizeVirtual
    this.lines = lines
  }

  get bodyStructure(): string {
    return this.text(1)
  }

  get body(): string {
    return this.text(2)
  }

  get root(): MessagePart {
    return (this.#root ??= readPart(new VarintReader(this.part(3))))
  }
}

/** Bytes behind the head: lengths of fields are written one larger. */
function totalOf(lengths: readonly number[], texts: number): number {
  let sum = 0
  for (const [index, length] of lengths.entries()) sum += index < texts ? length : Math.max(0, length - 1)
  return sum
}

function addDate(head: VarintWriter, date: SentDate | undefined): void {
  if (date === undefined) {
    head.add(0)
    return
  }
  const before = date.seconds < 0
  head.add(before ? 2 : 1, Math.abs(date.seconds), date.offsetMinutes + MINUTES)
}

function readDate(reader: VarintReader): SentDate | undefined {
  const kind = reader.next()
  if (kind === 0) return undefined
  const seconds = reader.next()
  return { seconds: kind === 2 ? -seconds : seconds, offsetMinutes: reader.next() - MINUTES }
}

/** More than any offset from Greenwich: varints are not negative. */
const MINUTES = 1_000_000

function packPart(out: VarintWriter, { start, header, body, kind, children }: MessagePart): void {
  out.add(start, header.physical, header.virtual, header.lines, body.physical, body.virtual, body.lines)
  out.add(KINDS.indexOf(kind), children.length)
  for (const child of children) packPart(out, child)
}

function readPart(reader: VarintReader): MessagePart {
  const start = reader.next()
  const header = readSize(reader)
  const body = readSize(reader)
  const kind = KINDS[reader.next()] ?? 'other'
  const children: MessagePart[] = []
  // A broken count cannot make more of them than there are bytes.
  for (let count = reader.next(); count > 0 && !reader.ended; count -= 1) children.push(readPart(reader))
  return { start, header, body, kind, children }
}

function readSize(reader: VarintReader): PartSize {
  return { physical: reader.next(), virtual: reader.next(), lines: reader.next() }
}

class VarintWriter {
  readonly #bytes: number[] = []

  add(...values: readonly number[]): void {
    for (let value of values) {
      while (value >= 128) {
        this.#bytes.push(128 + (value % 128))
        value = Math.floor(value / 128)
      }
      this.#bytes.push(value)
    }
  }

  bytes(): Buffer {
    return Buffer.from(this.#bytes)
  }
}

class VarintReader {
  readonly bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    this.bytes = bytes
  }

  get ended(): boolean {
    return this.at >= this.bytes.length
  }

  /** 0 behind the end. */
  next(): number {
    let value = 0
    let scale = 1
    for (;;) {
      const byte = this.bytes[this.at] ?? 0
      this.at += 1
      value += (byte & 127) * scale
      if (byte < 128) return value
      scale *= 128
    }
  }
}
