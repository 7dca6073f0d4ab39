import { formatBodyStructure, type PartFields } from './body-structure.ts'
import { emptyContent, isContentField, takeContentField } from './content.ts'
import { parseDate, type SentDate } from './date.ts'
import { EMPTY_ENVELOPE, Envelope, isEnvelopeField } from './envelope.ts'
import { foldedValue } from './header.ts'
import { MESSAGE_LIMITS } from './limits.ts'
import type { MessagePart } from './message-part.ts'
import { ALL_FIELDS, fieldBit, KEPT_FIELDS, type KeptField, type MessageSummary } from './message-summary.ts'
import type { ReadField } from './field-reader.ts'
import { type MimeEvents, MimeParser } from './mime.ts'
import type { MimeNode } from './mime-node.ts'

/** Summarises a message that is in memory. Never throws. */
export function summarise(message: Buffer): MessageSummary {
  const summariser = new Summariser()
  summariser.push(message)
  return summariser.finish()
}

/**
 * Summarises a message that comes in chunks of any size, holding no more of it than a line and the fields it needs. Never
 * throws.
 */
export class Summariser {
  readonly #fields = new FieldCollector()
  readonly #parser = new MimeParser(this.#fields)

  /** The next bytes of the message. They may be overwritten afterwards. */
  push(chunk: Buffer): void {
    this.#parser.push(chunk)
  }

  /** The message has ended. */
  finish(): MessageSummary {
    const root = this.#parser.finish()
    const fields = this.#fields
    const fieldsOf = (part: MessagePart): PartFields => fields.of(part)
    return {
      headerOnly: false,
      sizePhysical: root.header.physical + root.body.physical,
      sizeVirtual: root.header.virtual + root.body.virtual,
      lines: root.body.lines,
      envelope: fields.of(root).envelope,
      bodyStructure: formatBodyStructure(root, fieldsOf, true),
      body: formatBodyStructure(root, fieldsOf, false),
      root,
      dateSent: fields.date,
      partialFields: fields.partial,
      field: (name) => fields.kept.get(name),
    }
  }
}

const KEPT = new Map<string, KeptField>(KEPT_FIELDS.map((name) => [name, name]))
const NO_FIELDS: PartFields = { content: emptyContent(), envelope: EMPTY_ENVELOPE }

/** What even an empty field costs. */
const FIELD_OVERHEAD_BYTES = 64

/** Collects what a summary needs from fields. */
class FieldCollector implements MimeEvents {
  readonly #contents = new Map<MessagePart, PartFields['content']>()
  readonly #envelopes = new Map<MessagePart, Envelope>()
  readonly kept = new Map<KeptField, string>()
  partial = 0
  date: SentDate | undefined
  #seenDate = false
  #taken = 0

  wants(part: MimeNode, name: string): boolean {
    if (this.#taken > MESSAGE_LIMITS.summaryFieldBytes) {
      // What comes now is not seen.
      this.partial = ALL_FIELDS
      return false
    }
    if (isContentField(name)) return true
    if (part.parent === undefined) return isEnvelopeField(name) || KEPT.has(name)
    return part.parent.kind === 'message' && isEnvelopeField(name)
  }

  field(part: MimeNode, { name, raw }: ReadField): void {
    this.#taken += raw.length + FIELD_OVERHEAD_BYTES
    if (isContentField(name)) {
      takeContentField(entry(this.#contents, part, emptyContent), name, raw)
      return
    }
    if (isEnvelopeField(name)) entry(this.#envelopes, part, () => new Envelope()).take(name, raw)
    if (part.parent === undefined) this.#takeRootField(name, raw)
  }

  #takeRootField(name: string, raw: string): void {
    if (name === 'date' && !this.#seenDate) {
      this.#seenDate = true
      this.date = parseDate(foldedValue(raw))
    }
    const kept = KEPT.get(name)
    if (kept === undefined) return
    const value = foldedValue(raw)
    if (this.kept.has(kept) || value.length > MESSAGE_LIMITS.keptFieldBytes) this.partial |= fieldBit(kept)
    if (!this.kept.has(kept)) this.kept.set(kept, value.slice(0, MESSAGE_LIMITS.keptFieldBytes))
  }

  /** Content-* fields count when the part is MIME. */
  of(part: MessagePart): PartFields {
    const node = part as MimeNode
    const content = node.isMime ? this.#contents.get(part) : undefined
    const envelope = this.#envelopes.get(part)
    if (content === undefined && envelope === undefined) return NO_FIELDS
    return { content: content ?? NO_FIELDS.content, envelope: envelope?.format() ?? EMPTY_ENVELOPE }
  }
}

function entry<Key, Value>(map: Map<Key, Value>, key: Key, make: () => Value): Value {
  const known = map.get(key)
  if (known !== undefined) return known
  const made = make()
  map.set(key, made)
  return made
}
