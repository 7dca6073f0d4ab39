import { foldedValue } from './header.ts'
import { FieldLexer, withoutNuls } from './lexer.ts'
import { readContentType } from './content-type.ts'
import { type Parameter, readParameters } from './parameters.ts'

/** What a part's Content-* fields say, for BODYSTRUCTURE. Values are one byte a character. */
export interface Content {
  type?: string
  subtype?: string
  parameters: readonly Parameter[]
  encoding?: string
  id?: string
  description?: string
  md5?: string
  location?: string
  languages?: readonly string[]
  disposition?: string
  dispositionParameters: readonly Parameter[]
}

/** No Content-* field at all. */
export function emptyContent(): Content {
  return { parameters: [], dispositionParameters: [] }
}

/** Takes a Content-* field, `name` in lower case. As in Dovecot the first that can be read counts. */
export function takeContentField(content: Content, name: string, raw: string): void {
  READERS.get(name)?.(content, raw)
}

/** Whether `takeContentField` has a use for a field (lower case). */
export function isContentField(name: string): boolean {
  return READERS.has(name)
}

const READERS = new Map<string, (content: Content, raw: string) => void>([
  ['content-type', takeType],
  ['content-transfer-encoding', takeEncoding],
  ['content-disposition', takeDisposition],
  ['content-language', takeLanguages],
  ['content-id', (content, raw) => void (content.id ??= text(raw))],
  ['content-description', (content, raw) => void (content.description ??= text(raw))],
  ['content-md5', (content, raw) => void (content.md5 ??= text(raw))],
  ['content-location', (content, raw) => void (content.location ??= text(raw))],
])

function text(raw: string): string {
  return withoutNuls(foldedValue(raw))
}

function takeType(content: Content, raw: string): void {
  if (content.type !== undefined) return
  const lexer = new FieldLexer(foldedValue(raw))
  const type = readContentType(lexer)
  const slash = type.indexOf('/')
  content.type = slash === -1 ? type : type.slice(0, slash)
  content.subtype = slash === -1 ? '' : type.slice(slash + 1)
  if (type !== '') content.parameters = readParameters(lexer)
}

function takeEncoding(content: Content, raw: string): void {
  if (content.encoding !== undefined) return
  const lexer = new FieldLexer(foldedValue(raw))
  lexer.skip()
  const after = lexer.token()
  const encoding = lexer.take()
  if (after === 'end' && encoding !== '') content.encoding = encoding
}

function takeDisposition(content: Content, raw: string): void {
  if (content.dispositionParameters.length > 0) return
  const lexer = new FieldLexer(foldedValue(raw))
  lexer.skip()
  const after = lexer.token()
  const disposition = lexer.take()
  if (after === 'broken') return
  content.disposition = disposition
  content.dispositionParameters = readParameters(lexer)
}

function takeLanguages(content: Content, raw: string): void {
  if (content.languages !== undefined) return
  const lexer = new FieldLexer(foldedValue(raw))
  const languages: string[] = []
  lexer.skip()
  for (;;) {
    const after = lexer.atom()
    if (after === 'broken') break
    languages.push(lexer.take())
    if (lexer.input[lexer.pos] !== ',') break
    lexer.pos++
    lexer.skip()
  }
  if (languages.length > 0) content.languages = languages
}
