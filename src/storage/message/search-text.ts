import { formatAddresses, parseAddresses } from './address.ts'
import { casemap } from './casemap.ts'
import { type CharsetDecoder, charsetDecoder, utf8Decoder } from './charset.ts'
import { decodeWords } from './encoded-word.ts'
import { foldedValue, isFold, onelineValue } from './header.ts'
import { FieldLexer } from './lexer.ts'
import { readContentType } from './content-type.ts'
import type { ReadField } from './field-reader.ts'
import { type MimeEvents, MimeParser } from './mime.ts'
import type { MimeNode } from './mime-node.ts'
import { readParameters } from './parameters.ts'
import { IDENTITY, type TransferDecoder, transferDecoder } from './transfer-encoding.ts'

/** A SEARCH key about what a message says. RFC 3501 section 6.4.4. Values are text as the client meant it. */
export type TextKey =
  | { readonly kind: 'text' | 'body' | 'subject'; readonly value: string }
  /** HEADER, and FROM, TO, CC and BCC. An empty value asks whether there is such a field. */
  | { readonly kind: 'header' | 'addresses'; readonly name: string; readonly value: string }

/** What is read of a message in one go. */
const STEP_BYTES = 64 * 1024

/**
 * Which of the keys a message in memory matches, in their order. A generator, so that whoever runs it decides when others get
 * their turn: it pauses after every 64 KiB.
 */
export function* searchMessage(message: Buffer, keys: readonly TextKey[]): Generator<undefined, readonly boolean[]> {
  const search = new MessageSearch(keys)
  for (let from = 0; from < message.length && !search.decided; from += STEP_BYTES) {
    if (from > 0) yield undefined
    search.push(message.subarray(from, from + STEP_BYTES))
  }
  return search.finish()
}

/** Looks for keys in a message that comes in chunks. It holds no more of it than a line, or a field that is looked into. */
export class MessageSearch {
  readonly #finders: readonly Finder[]
  readonly #events: SearchEvents
  readonly #parser: MimeParser

  constructor(keys: readonly TextKey[]) {
    this.#finders = keys.map((key) => new Finder(key))
    this.#events = new SearchEvents(this.#finders)
    this.#parser = new MimeParser(this.#events)
  }

  /** No more bytes are needed. */
  get decided(): boolean {
    return this.#finders.every((finder) => finder.found || (finder.inField && this.#events.headerEnded))
  }

  /** The next bytes of the message. They may be overwritten afterwards. */
  push(chunk: Buffer): void {
    this.#parser.push(chunk)
  }

  /** For each key, whether the message matches it. */
  finish(): readonly boolean[] {
    this.#parser.finish()
    return this.#finders.map((finder) => finder.found)
  }
}

/** Looks for one key in text that comes in pieces. */
class Finder {
  readonly #needle: string
  readonly kind: TextKey['kind']
  readonly #field: string
  #tail = ''
  found = false

  constructor(key: TextKey) {
    this.kind = key.kind
    this.#field = key.kind === 'subject' ? 'subject' : 'name' in key ? key.name.toLowerCase() : ''
    this.#needle = casemap(key.value)
    this.found = !this.inField && this.#needle === ''
  }

  /** It asks for one field of the message's own header. */
  get inField(): boolean {
    return this.kind !== 'text' && this.kind !== 'body'
  }

  wantsField(name: string): boolean {
    return this.inField && !this.found && name === this.#field
  }

  /** One more field of the name it asks for. */
  takeField(raw: string): void {
    this.found = searchedText(this.kind, raw).includes(this.#needle)
  }

  /** More text, mapped, behind what came before. */
  more(text: string): void {
    if (this.found) return
    const all = this.#tail + text
    this.found = all.includes(this.#needle)
    this.#tail = this.#needle.length > 1 ? all.slice(-(this.#needle.length - 1)) : ''
  }

  reset(): void {
    this.#tail = ''
  }
}

/** What is looked into of a field, `raw` being everything behind its colon; needles are mapped by `casemap`. */
export function searchedText(kind: TextKey['kind'], raw: string): string {
  return casemap(decodeWords(searchedValue(kind, raw)))
}

/** The form in which a field's value is looked into: addresses written the same way always, SUBJECT without double spaces. */
function searchedValue(kind: TextKey['kind'], raw: string): string {
  const value = onelineValue(raw)
  if (kind === 'addresses') return formatAddresses(parseAddresses(value))
  return kind === 'subject' ? value.replace(/[ \t]+/g, ' ').replace(/^ /, '') : value
}

/** Hands headers and decoded bodies to the finders. */
class SearchEvents implements MimeEvents {
  readonly #finders: readonly Finder[]
  readonly #inHeaders: readonly Finder[]
  readonly #inBodies: readonly Finder[]
  /** The message's own header was read. */
  headerEnded = false
  #part: MimeNode | undefined
  #transfer: TransferDecoder | undefined = IDENTITY
  #charset: string | undefined
  #decoder: CharsetDecoder | undefined
  #isText = true

  constructor(finders: readonly Finder[]) {
    this.#finders = finders
    this.#inHeaders = finders.filter(({ kind }) => kind === 'text')
    this.#inBodies = finders.filter(({ inField }) => !inField)
  }

  wants(part: MimeNode, name: string): boolean {
    if (this.#inHeaders.length > 0 || name === 'content-type' || name === 'content-transfer-encoding') return true
    return part.parent === undefined && this.#finders.some((finder) => finder.wantsField(name))
  }

  field(part: MimeNode, { name, colon, raw, terminated }: ReadField): void {
    this.#enter(part)
    if (name === 'content-type') this.#takeType(raw)
    if (name === 'content-transfer-encoding') this.#transfer = transferDecoder(raw)
    if (part.parent === undefined) {
      for (const finder of this.#finders) if (finder.wantsField(name)) finder.takeField(raw)
    }
    if (this.#inHeaders.length === 0) return
    const space = isFold(raw.charCodeAt(0)) ? (raw[0] ?? '') : ''
    const label = casemap(Buffer.from(name + colon + space, 'latin1').toString('utf8'))
    const line = `${label}${casemap(decodeWords(onelineValue(raw)))}${terminated ? '\r\n' : ''}`
    for (const finder of this.#inHeaders) finder.more(line)
  }

  headerEnd(part: MimeNode, emptyLine: boolean): void {
    this.headerEnded = true
    this.#enter(part)
    if (!emptyLine) return
    for (const finder of this.#inHeaders) finder.more('\r\n')
  }

  body(part: MimeNode, bytes: Buffer, from: number, to: number): void {
    if (part.kind === 'multipart' || this.#part !== part || !this.#isText || this.#transfer === undefined) return
    this.#look(this.#transfer.decode(bytes.subarray(from, to)))
  }

  bodyEnd(part: MimeNode): void {
    if (this.#part !== part || !this.#isText || this.#transfer === undefined || part.kind === 'multipart') return
    this.#look(this.#transfer.end())
  }

  #look(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#decoder ??= (this.#charset === undefined ? undefined : charsetDecoder(this.#charset)) ?? utf8Decoder()
    const text = casemap(this.#decoder.decode(bytes))
    for (const finder of this.#inBodies) finder.more(text)
  }

  /** Another part begins: nothing of the one before counts. */
  #enter(part: MimeNode): void {
    if (this.#part === part) return
    this.#part = part
    this.#transfer = IDENTITY
    this.#charset = undefined
    this.#decoder = undefined
    this.#isText = true
    for (const finder of this.#inBodies) finder.reset()
  }

  #takeType(raw: string): void {
    const lexer = new FieldLexer(foldedValue(raw))
    const type = readContentType(lexer).toLowerCase()
    this.#isText = type.startsWith('text/') || type.startsWith('message/')
    this.#charset ??= readParameters(lexer).find(({ name }) => name.toLowerCase() === 'charset')?.value
  }
}
