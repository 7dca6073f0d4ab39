import type { Content } from './content.ts'
import { nstring, onelineNstring } from './imap-string.ts'
import type { MessagePart } from './message-part.ts'
import type { Parameter } from './parameters.ts'

/** What BODYSTRUCTURE tells of a part beside its place and sizes. */
export interface PartFields {
  readonly content: Content
  /** Formatted ENVELOPE, for the message inside a message/rfc822. */
  readonly envelope: string
}

const DEFAULT_CHARSET = '"charset" "us-ascii"'
const NO_PARTS = `"text" "plain" (${DEFAULT_CHARSET}) NIL NIL "7bit" 0 0`

/** BODY, or with `extended` BODYSTRUCTURE, of a part, one byte a character. RFC 3501 section 7.4.2. */
export function formatBodyStructure(
  part: MessagePart,
  fieldsOf: (part: MessagePart) => PartFields,
  extended: boolean,
): string {
  const { content } = fieldsOf(part)
  if (part.kind === 'multipart') {
    const children = part.children.map((child) => formatBodyStructure(child, fieldsOf, extended)).join('')
    const subtype = content.subtype === undefined ? '"x-unknown"' : nstring(content.subtype)
    const more = extended ? ` ${parameterList(content.parameters)}${commonExtension(content)}` : ''
    const none = extended ? `(${NO_PARTS} NIL NIL NIL NIL)` : `(${NO_PARTS})`
    return `(${children === '' ? none : children} ${subtype}${more})`
  }
  const single = singlePart(part, content)
  const more = extended ? ` ${onelineNstring(content.md5)}${commonExtension(content)}` : ''
  const [inner] = part.children
  if (part.kind !== 'message' || inner === undefined) return `(${single}${more})`
  const structure = formatBodyStructure(inner, fieldsOf, extended)
  return `(${single} ${fieldsOf(inner).envelope} ${structure} ${part.body.lines}${more})`
}

/** Everything of body-type-basic, and the lines of text. */
function singlePart(part: MessagePart, content: Content): string {
  const text = part.kind !== 'message' && (content.type === undefined || content.type.toLowerCase() === 'text')
  const encoding = content.encoding === undefined ? '"7bit"' : nstring(content.encoding)
  const fields = `${onelineNstring(content.id)} ${onelineNstring(content.description)} ${encoding}`
  const parameters = parameterList(content.parameters, text)
  return `${mediaType(part, content)} ${parameters} ${fields} ${part.body.virtual}${text ? ` ${part.body.lines}` : ''}`
}

/** A multipart or message that is not looked into, being too deep, is shown as some bytes. */
function mediaType(part: MessagePart, { type, subtype }: Content): string {
  if (part.kind === 'message') return '"message" "rfc822"'
  if (type === undefined) return '"text" "plain"'
  const lower = `${type}/${subtype ?? ''}`.toLowerCase()
  if (lower.startsWith('multipart/') || lower === 'message/rfc822') return '"application" "octet-stream"'
  return `${nstring(type)} ${nstring(subtype ?? '')}`
}

function parameterList(parameters: readonly Parameter[], needsCharset = false): string {
  const items = parameters.map(({ name, value }) => `${nstring(name)} ${nstring(value)}`)
  if (needsCharset && !parameters.some(({ name }) => name.toLowerCase() === 'charset')) items.push(DEFAULT_CHARSET)
  return items.length === 0 ? 'NIL' : `(${items.join(' ')})`
}

/** ` disposition languages location`. */
function commonExtension(content: Content): string {
  const { disposition, languages } = content
  const shown =
    disposition === undefined ? 'NIL' : `(${nstring(disposition)} ${parameterList(content.dispositionParameters)})`
  const spoken = languages === undefined ? 'NIL' : `(${languages.map(nstring).join(' ')})`
  return ` ${shown} ${spoken} ${onelineNstring(content.location)}`
}
