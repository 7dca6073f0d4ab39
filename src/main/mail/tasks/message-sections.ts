import { textFromBytes } from '../../../acl/byte-text.ts'
import { printableValue } from '../../../admin/output/printer.ts'
import { decodeWords } from '../../../storage/message/encoded-word.ts'
import { onelineValue, rawFields } from '../../../storage/message/header.ts'
import type { MessageSummary } from '../../../storage/message/message-summary.ts'
import { locateSection, type SectionRequest } from '../../../storage/message/section.ts'
import { summarise } from '../../../storage/message/summarise.ts'
import { transferDecoder } from '../../../storage/message/transfer-encoding.ts'

/** `1.2`, `1.MIME`, `HEADER`, `TEXT` as `body.` and `binary.` name them; `undefined` for anything else. */
export function sectionPath(section: string): SectionRequest | undefined {
  const match = /^((?:\d{1,6}\.)*\d{1,6})?\.?(HEADER|TEXT|MIME)?$/i.exec(section)
  if (match === null || section === '' || section.endsWith('.')) return undefined
  const path = match[1]?.split('.').map(Number) ?? []
  const of = (match[2]?.toLowerCase() ?? 'all') as 'header' | 'text' | 'mime' | 'all'
  return of === 'mime' && path.length === 0 ? undefined : { path, of }
}

/** The stored bytes of a section; `decoded`: without its transfer encoding. */
export function bodySection(
  { bytes, summary }: { readonly bytes: Buffer; readonly summary: MessageSummary | undefined },
  section: string,
  decoded = false,
): Buffer {
  const request = sectionPath(section)
  const { root } = summary ?? summarise(bytes)
  const span = request && locateSection(root, request)
  if (request === undefined || span === undefined) return Buffer.alloc(0)
  const stored = bytes.subarray(span.start, span.start + span.physical)
  if (!decoded || request.of !== 'all') return stored
  const mime = locateSection(root, { path: request.path, of: request.path.length === 0 ? 'header' : 'mime' })
  const header = mime === undefined ? Buffer.alloc(0) : bytes.subarray(mime.start, mime.start + mime.physical)
  const decoder = transferDecoder(rawValue(header, 'content-transfer-encoding') ?? '7bit')
  return decoder === undefined ? stored : Buffer.concat([decoder.decode(stored), decoder.end()])
}

/** All fields of a name, a line each; `meant`: unfolded and decoded. */
export function headerValues(message: Buffer, name: string, meant: boolean): string {
  const values: string[] = []
  for (const field of rawFields(message)) {
    if (field.name !== name.toLowerCase()) continue
    const value = message.subarray(field.valueStart, field.end)
    values.push(meant ? decodeWords(onelineValue(value.toString('latin1')).trimStart()) : rawText(value))
  }
  // Line ends stay; what else might control a terminal does not.
  return values
    .join('\n')
    .split('\n')
    .map((line) => line.split('\t').map(printableValue).join('\t'))
    .join('\n')
}

function rawText(value: Buffer): string {
  return textFromBytes(value).replaceAll('\r\n', '\n').trimStart()
}

function rawValue(header: Buffer, name: string): string | undefined {
  for (const field of rawFields(header))
    if (field.name === name) return header.toString('latin1', field.valueStart, field.end)
  return undefined
}
