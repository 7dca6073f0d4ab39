// Summaries as bytes: numbers as varints, then what FETCH sends as it is. Reading one costs little more than finding it; the
// tree of parts is only built for whoever asks for it.
import type { SentDate } from '../message/date.ts'
import type { MessagePart, PartKind, PartSize } from '../message/message-part.ts'
import { KEPT_FIELDS, type KeptField, type MessageSummary } from '../message/message-summary.ts'

/** Goes up when what a summary says changes: older ones are made again. */
export const SUMMARY_VERSION = 2

const KINDS: readonly PartKind[] = ['text', 'multipart', 'message', 'other']

export function packSummary(summary: MessageSummary): Buffer {
  const tree = new VarintWriter()
  packPart(tree, summary.root)
  const parts = tree.bytes()
  const fields = KEPT_FIELDS.map((name) => summary.fields.get(name))
  const head = new VarintWriter()
  head.add(SUMMARY_VERSION, summary.sizePhysical, summary.sizeVirtual, summary.lines, summary.partialFields)
  addDate(head, summary.dateSent)
  for (const { length } of [summary.envelope, summary.bodyStructure, summary.body, parts]) head.add(length)
  for (const field of fields) head.add(field === undefined ? 0 : field.length + 1)
  const known = fields.filter((field) => field !== undefined)
  return Buffer.concat([head.bytes(), summary.envelope, summary.bodyStructure, summary.body, parts, ...known])
}

/** `undefined` for what `packSummary` of this version did not write. The summary keeps the bytes. */
export function unpackSummary(bytes: Buffer): MessageSummary | undefined {
  const reader = new VarintReader(bytes)
  if (reader.next() !== SUMMARY_VERSION) return undefined
  const summary = new PackedSummary(reader)
  return summary.isWhole ? summary : undefined
}

class PackedSummary implements MessageSummary {
  readonly sizePhysical: number
  readonly sizeVirtual: number
  readonly lines: number
  readonly partialFields: number
  readonly dateSent: SentDate | undefined
  readonly isWhole: boolean
  readonly #bytes: Buffer
  readonly #at: number
  readonly #lengths: readonly number[]
  #root: MessagePart | undefined
  #fields: ReadonlyMap<KeptField, Buffer> | undefined

  constructor(reader: VarintReader) {
    this.sizePhysical = reader.next()
    this.sizeVirtual = reader.next()
    this.lines = reader.next()
    this.partialFields = reader.next()
    this.dateSent = readDate(reader)
    const lengths: number[] = []
    for (let count = 0; count < 4 + KEPT_FIELDS.length; count += 1) lengths.push(reader.next())
    this.#bytes = reader.bytes
    this.#at = reader.at
    this.#lengths = lengths
    this.isWhole = reader.at + totalOf(lengths) === reader.bytes.length
  }

  get envelope(): Buffer {
    return this.#part(0)
  }

  get bodyStructure(): Buffer {
    return this.#part(1)
  }

  get body(): Buffer {
    return this.#part(2)
  }

  get root(): MessagePart {
    return (this.#root ??= readPart(new VarintReader(this.#part(3))))
  }

  get fields(): ReadonlyMap<KeptField, Buffer> {
    return (this.#fields ??= this.#readFields())
  }

  #part(number: number): Buffer {
    let from = this.#at
    for (let index = 0; index < number; index += 1) from += this.#lengths[index] ?? 0
    return this.#bytes.subarray(from, from + (this.#lengths[number] ?? 0))
  }

  #readFields(): ReadonlyMap<KeptField, Buffer> {
    const fields = new Map<KeptField, Buffer>()
    let at = this.#at + totalOf(this.#lengths.slice(0, 4))
    for (const [index, name] of KEPT_FIELDS.entries()) {
      const length = this.#lengths[4 + index] ?? 0
      if (length === 0) continue
      fields.set(name, this.#bytes.subarray(at, at + length - 1))
      at += length - 1
    }
    return fields
  }
}

/** Bytes behind the head: lengths of fields are written one larger. */
function totalOf(lengths: readonly number[]): number {
  return lengths.reduce((sum, length, index) => sum + (index < 4 ? length : Math.max(0, length - 1)), 0)
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
