import type { MessagePart, PartKind, PartSize } from './message-part.ts'
import { KEPT_FIELDS, type KeptField, type MessageSummary } from './message-summary.ts'

/** First byte of what is packed; another one when the form changes, so that old caches are not misread. */
const VERSION = 2
const KINDS: readonly PartKind[] = ['text', 'multipart', 'message', 'other']

/** A summary as bytes for a cache. */
export function packSummary(summary: MessageSummary): Buffer {
  const packer = new Packer()
  packer.number(VERSION)
  packPart(packer, summary.root)
  packer.bytes(summary.envelope)
  packer.bytes(summary.bodyStructure)
  packer.bytes(summary.body)
  packer.number(summary.dateSent === undefined ? 0 : 1)
  packer.signed(summary.dateSent?.seconds ?? 0)
  packer.signed(summary.dateSent?.offsetMinutes ?? 0)
  for (const name of KEPT_FIELDS) {
    const value = summary.fields.get(name)
    packer.number(value === undefined ? 0 : 1)
    packer.bytes(value ?? Buffer.alloc(0))
  }
  packer.number(summary.partialFields)
  return packer.finish()
}

/** The summary that `packSummary` packed; `undefined` for bytes of another version, or cut ones. Shares their memory. */
export function unpackSummary(packed: Buffer): MessageSummary | undefined {
  const unpacker = new Unpacker(packed)
  if (unpacker.number() !== VERSION) return undefined
  const root = unpackPart(unpacker)
  const envelope = unpacker.bytes()
  const bodyStructure = unpacker.bytes()
  const body = unpacker.bytes()
  const dated = unpacker.number() === 1
  const date = { seconds: unpacker.signed(), offsetMinutes: unpacker.signed() }
  const fields = new Map<KeptField, Buffer>()
  for (const name of KEPT_FIELDS) {
    const present = unpacker.number() === 1
    const value = unpacker.bytes()
    if (present) fields.set(name, value)
  }
  const partialFields = unpacker.number()
  if (unpacker.failed) return undefined
  return {
    sizePhysical: root.header.physical + root.body.physical,
    sizeVirtual: root.header.virtual + root.body.virtual,
    lines: root.body.lines,
    envelope,
    bodyStructure,
    body,
    root,
    dateSent: dated ? date : undefined,
    fields,
    partialFields,
  }
}

function packPart(packer: Packer, { kind, start, header, body, children }: MessagePart): void {
  packer.number(KINDS.indexOf(kind))
  packer.number(start)
  for (const size of [header, body]) {
    packer.number(size.physical)
    packer.number(size.virtual - size.physical)
    packer.number(size.lines)
  }
  packer.number(children.length)
  for (const child of children) packPart(packer, child)
}

function unpackPart(unpacker: Unpacker): MessagePart {
  const kind = KINDS[unpacker.number()] ?? 'other'
  const start = unpacker.number()
  const header = unpackSize(unpacker)
  const body = unpackSize(unpacker)
  const children: MessagePart[] = []
  for (let left = unpacker.number(); left > 0 && !unpacker.failed; left--) children.push(unpackPart(unpacker))
  return { kind, start, header, body, children }
}

function unpackSize(unpacker: Unpacker): PartSize {
  const physical = unpacker.number()
  return { physical, virtual: physical + unpacker.number(), lines: unpacker.number() }
}

/** Numbers in base 128, smallest digits first, and bytes behind their length. */
class Packer {
  #buffer = Buffer.allocUnsafe(1024)
  #length = 0

  number(value: number): void {
    this.#reserve(8)
    let rest = value
    for (; rest >= 128; rest = Math.floor(rest / 128)) this.#buffer[this.#length++] = (rest % 128) | 128
    this.#buffer[this.#length++] = rest
  }

  signed(value: number): void {
    this.number(value < 0 ? -value * 2 - 1 : value * 2)
  }

  bytes(bytes: Buffer): void {
    this.number(bytes.length)
    this.#reserve(bytes.length)
    bytes.copy(this.#buffer, this.#length)
    this.#length += bytes.length
  }

  finish(): Buffer {
    return this.#buffer.subarray(0, this.#length)
  }

  #reserve(count: number): void {
    if (this.#length + count <= this.#buffer.length) return
    const larger = Buffer.allocUnsafe((this.#length + count) * 2)
    this.#buffer.copy(larger, 0, 0, this.#length)
    this.#buffer = larger
  }
}

class Unpacker {
  readonly #packed: Buffer
  #pos = 0
  failed = false

  constructor(packed: Buffer) {
    this.#packed = packed
  }

  number(): number {
    let value = 0
    for (let factor = 1; ; factor *= 128) {
      const digit = this.#packed[this.#pos++]
      if (digit === undefined || factor > Number.MAX_SAFE_INTEGER) {
        this.failed = true
        return 0
      }
      value += (digit & 127) * factor
      if (digit < 128) return value
    }
  }

  signed(): number {
    const value = this.number()
    return value % 2 === 1 ? -(value + 1) / 2 : value / 2
  }

  bytes(): Buffer {
    const length = this.number()
    const end = this.#pos + length
    if (end > this.#packed.length) this.failed = true
    const bytes = this.#packed.subarray(this.#pos, end)
    this.#pos = end
    return bytes
  }
}
