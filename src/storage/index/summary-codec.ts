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
  return Buffer.from(packBriefly(summary))
}

/** As `packSummary`; the bytes last until the next call. */
export function packBriefly(summary: HeaderSummary): Buffer {
  const whole = isWhole(summary) ? summary : undefined
  const fields = KEPT_FIELDS.map((name) => summary.field(name))
  const { envelope } = summary
  packer.begin(whole === undefined ? SUMMARY_VERSIONS.headerOnly : SUMMARY_VERSIONS.whole)
  if (whole !== undefined) packer.add(whole.sizePhysical, whole.sizeVirtual, whole.lines)
  packer.add(summary.partialFields)
  addDate(packer, summary.dateSent)
  const parts = whole === undefined ? undefined : packedParts(whole.root)
  packer.add(envelope.length)
  if (whole !== undefined) packer.add(whole.bodyStructure.length, whole.body.length, parts?.length ?? 0)
  for (const field of fields) packer.add(field === undefined ? 0 : field.length + 1)
  packer.text(envelope)
  if (whole !== undefined) packer.text(whole.bodyStructure)
  if (whole !== undefined) packer.text(whole.body)
  if (parts !== undefined) packer.bytes(parts)
  for (const field of fields) if (field !== undefined) packer.text(field)
  return packer.packed()
}

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

  field(name: KeptField): string | undefined {
    const index = this.#texts + KEPT_FIELDS.indexOf(name)
    const length = this.#lengths[index] ?? 0
    if (length === 0) return undefined
    const from = this.#startOf(index)
    return this.#bytes.toString('latin1', from, from + length - 1)
  }

  protected text(number: number): string {
    const from = this.#startOf(number)
    return this.#bytes.toString('latin1', from, from + (this.#lengths[number] ?? 0))
  }

  protected part(number: number): Buffer {
    const from = this.#startOf(number)
    return this.#bytes.subarray(from, from + (this.#lengths[number] ?? 0))
  }

  /** Lengths of fields are written one larger. */
  #startOf(number: number): number {
    let from = this.#at
    for (let index = 0; index < number; index += 1) {
      const length = this.#lengths[index] ?? 0
      from += index < this.#texts ? length : Math.max(0, length - 1)
    }
    return from
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

function addDate(out: Packer, date: SentDate | undefined): void {
  if (date === undefined) {
    out.add(0)
    return
  }
  const before = date.seconds < 0
  out.add(before ? 2 : 1, Math.abs(date.seconds), date.offsetMinutes + MINUTES)
}

function readDate(reader: VarintReader): SentDate | undefined {
  const kind = reader.next()
  if (kind === 0) return undefined
  const seconds = reader.next()
  return { seconds: kind === 2 ? -seconds : seconds, offsetMinutes: reader.next() - MINUTES }
}

/** More than any offset from Greenwich: varints are not negative. */
const MINUTES = 1_000_000

function packedParts(root: MessagePart): Buffer {
  const parts = new Packer()
  packPart(parts, root)
  return parts.packed()
}

function packPart(out: Packer, { start, header, body, kind, children }: MessagePart): void {
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

/** More than a number takes. */
const NUMBER_BYTES = 10

/** Numbers as varints, texts as they are. */
class Packer {
  #bytes = Buffer.allocUnsafe(64)
  #length = 0

  begin(version: number): void {
    // What one large message took is given back.
    if (this.#bytes.length > LARGE_BYTES) this.#bytes = Buffer.allocUnsafe(LARGE_BYTES)
    this.#length = 0
    this.add(version)
  }

  add(...values: readonly number[]): void {
    this.#reserve(values.length * NUMBER_BYTES)
    for (let value of values) {
      for (; value >= 128; value = Math.floor(value / 128)) this.#bytes[this.#length++] = 128 + (value % 128)
      this.#bytes[this.#length++] = value
    }
  }

  text(text: string): void {
    this.#reserve(text.length)
    this.#length += this.#bytes.write(text, this.#length, 'latin1')
  }

  bytes(bytes: Buffer): void {
    this.#reserve(bytes.length)
    this.#length += bytes.copy(this.#bytes, this.#length)
  }

  packed(): Buffer {
    return this.#bytes.subarray(0, this.#length)
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe((this.#length + count) * 2)
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
  }
}

const LARGE_BYTES = 64 * 1024
/** For `packBriefly`. */
const packer = new Packer()

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
