import { compare } from './condition.ts'
import { ExpandError } from './error.ts'
import { applyFormat } from './format.ts'
import { hashValue } from './hash.ts'
import { builtinVariable } from './names.ts'
import type { IfParts, Node, Source } from './parse.ts'

type Lookup = (name: string) => string | undefined
type Escape = (value: string) => string

/** Fills a parsed template in. Bare variables are copied; everything else works on bytes, as Dovecot does. */
export function rendererOf(nodes: readonly Node[]): (lookup: Lookup, escape?: Escape) => string {
  if (nodes.every(isBare)) return (lookup, escape) => renderText(nodes, lookup, escape)
  return (lookup, escape) =>
    toText(renderBytes(nodes, { lookup, escape: escape === undefined ? keep : byteEscape(escape) }))
}

function isBare(node: Node): boolean {
  return typeof node === 'string' || (node.format === undefined && node.source.kind === 'variable')
}

function renderText(nodes: readonly Node[], lookup: Lookup, escape: Escape | undefined): string {
  let text = ''
  for (const node of nodes) {
    if (typeof node === 'string') {
      text += node
    } else if (node.source.kind === 'variable') {
      const value = lookUp(node.source, lookup)
      text += escape === undefined ? value : escape(value)
    }
  }
  return text
}

interface Context {
  readonly lookup: Lookup
  readonly escape: Escape
}

function renderBytes(nodes: readonly Node[], context: Context): string {
  let bytes = ''
  for (const node of nodes)
    bytes += typeof node === 'string' ? toBytes(node) : renderNode(node.source, node.format, context)
  return bytes
}

function renderNode(source: Source, format: Exclude<Node, string>['format'], context: Context): string {
  if (source.kind === 'if' && format === undefined) return renderIf(source.parts, context)
  const value = valueOf(source, context.lookup)
  const formatted = format === undefined ? value : applyFormat(value, format)
  // The environment is the administrator's, like the template's own text.
  return source.kind === 'environment' ? formatted : context.escape(formatted)
}

/** A source's value as bytes, not escaped. */
function valueOf(source: Source, lookup: Lookup): string {
  switch (source.kind) {
    case 'variable':
      return toBytes(lookUp(source, lookup))
    case 'environment':
      return toBytes(process.env[source.name] ?? '')
    case 'hash':
      return hashValue(source.options, valueOf(source.of, lookup), renderBytes(source.salt, { lookup, escape: keep }))
    case 'if':
      return renderIf(source.parts, { lookup, escape: keep })
  }
}

function renderIf(parts: IfParts, context: Context): string {
  const raw = { lookup: context.lookup, escape: keep }
  const [left, operator, right] = [parts.left, parts.operator, parts.right].map((part) => renderBytes(part, raw))
  // Both branches: Dovecot complains about a variable it does not know wherever it stands.
  const [whenTrue, whenFalse] = [parts.whenTrue, parts.whenFalse].map((part) => renderBytes(part, context))
  return (compare(left ?? '', operator ?? '', right ?? '') ? whenTrue : whenFalse) ?? ''
}

type Variable = Extract<Source, { kind: 'variable' }>

function lookUp(source: Variable, lookup: Lookup): string {
  const value = lookup(source.name) ?? source.fallback ?? builtinVariable(source.name)
  if (value === undefined) throw new ExpandError(`Unknown variable '%${source.unknownAs}'`)
  return value
}

function keep(value: string): string {
  return value
}

function byteEscape(escape: Escape): Escape {
  return (value) => toBytes(escape(toText(value)))
}

/** UTF-16 to a string with a character per UTF-8 byte. */
function toBytes(text: string): string {
  return isAscii(text) ? text : Buffer.from(text, 'utf8').toString('latin1')
}

function toText(bytes: string): string {
  return isAscii(bytes) ? bytes : Buffer.from(bytes, 'latin1').toString('utf8')
}

function isAscii(text: string): boolean {
  return !/[^\x00-\x7f]/.test(text)
}
