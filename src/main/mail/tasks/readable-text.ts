import { textFromBytes } from '../../../acl/byte-text.ts'
import { charsetDecoder, utf8Decoder } from '../../../storage/message/charset.ts'
import { emptyContent, takeContentField } from '../../../storage/message/content.ts'
import { decodeWords } from '../../../storage/message/encoded-word.ts'
import { onelineValue, rawFields } from '../../../storage/message/header.ts'
import { summarise } from '../../../storage/message/summarise.ts'
import type { MessagePart } from '../../../storage/message/message-part.ts'
import { transferDecoder } from '../../../storage/message/transfer-encoding.ts'

/** A message as it is meant: fields on one line each and decoded, parts that are text decoded to UTF-8, others left out. */
export function readableText(message: Buffer): string {
  const { root } = summarise(message)
  return Array.from(pieces(message, root)).join('')
}

function* pieces(message: Buffer, part: MessagePart): Generator<string> {
  const header = message.subarray(part.start, part.start + part.header.physical)
  yield headerText(header)
  if (part.children.length > 0) {
    for (const child of part.children) yield* pieces(message, child)
    return
  }
  const start = part.start + part.header.physical
  if (part.kind === 'text') yield bodyText(header, message.subarray(start, start + part.body.physical))
}

function headerText(header: Buffer): string {
  let text = ''
  for (const { start, valueStart, end } of rawFields(header)) {
    const name = textFromBytes(header.subarray(start, valueStart))
    const raw = header.toString('latin1', valueStart, end)
    text += `${name}${/^[\t ]/.test(raw) ? ' ' : ''}${decodeWords(onelineValue(raw))}\n`
  }
  return `${text}\n`
}

function bodyText(header: Buffer, body: Buffer): string {
  const content = emptyContent()
  let encoding = '7bit'
  for (const { name, valueStart, end } of rawFields(header)) {
    const raw = header.toString('latin1', valueStart, end)
    takeContentField(content, name, raw)
    if (name === 'content-transfer-encoding') encoding = raw
  }
  const transfer = transferDecoder(encoding)
  const bytes = transfer === undefined ? body : Buffer.concat([transfer.decode(body), transfer.end()])
  const charset = content.parameters.find(({ name }) => name.toLowerCase() === 'charset')?.value
  const decoder = (charset === undefined ? undefined : charsetDecoder(charset)) ?? utf8Decoder()
  return decoder.decode(bytes) + decoder.end()
}
