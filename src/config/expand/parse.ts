import { ExpandError } from './error.ts'
import { type Format, parseFormat } from './format.ts'
import { type HashOptions, isHashFunction, parseHashOptions } from './hash.ts'
import { canonicalName, fieldKinds, type ShortNames } from './names.ts'

/** A parsed template: literal text and the things that are filled in. */
export type Node = string | { readonly format: Format | undefined; readonly source: Source }

export type Source =
  | {
      readonly kind: 'variable'
      readonly name: string
      readonly unknownAs: string
      readonly fallback: string | undefined
    }
  | { readonly kind: 'environment'; readonly name: string }
  | { readonly kind: 'hash'; readonly options: HashOptions; readonly of: Source; readonly salt: readonly Node[] }
  | { readonly kind: 'if'; readonly parts: IfParts }

export type IfParts = Readonly<Record<'left' | 'operator' | 'right' | 'whenTrue' | 'whenFalse', readonly Node[]>>

export const PARSE_LIMITS = {
  /** `%{if}` within `%{if}`. */
  nesting: 32,
} as const

/** Parses a template. Throws ExpandError where Dovecot would fail the expansion whatever the values. */
export function parseTemplate(text: string, shortNames: ShortNames, depth = 0): readonly Node[] {
  if (depth > PARSE_LIMITS.nesting) throw new ExpandError('Variables are nested too deeply')
  const nodes: Node[] = []
  let at = 0
  for (;;) {
    const percent = text.indexOf('%', at)
    if (percent < 0) return withLiteral(nodes, text.slice(at))
    withLiteral(nodes, text.slice(at, percent))
    const { format, next } = parseFormat(text, percent + 1)
    // A lone % at the end, with or without a width, is dropped.
    if (next >= text.length) return nodes
    at = parseVariable(text, next, format, nodes, shortNames, depth)
  }
}

/** Adds what stands at `start`, returns where it ends. */
function parseVariable(
  text: string,
  start: number,
  format: Format | undefined,
  nodes: Node[],
  shortNames: ShortNames,
  depth: number,
): number {
  const char = String.fromCodePoint(text.codePointAt(start) ?? 0)
  if (char === '{' && text.includes('}', start)) {
    const end = closingBrace(text, start)
    nodes.push({ format, source: parseLong(text.slice(start + 1, end), shortNames, depth) })
    return end + 1
  }
  if (char === '%' && format === undefined) withLiteral(nodes, '%')
  else nodes.push({ format, source: variable(shortNames.get(char) ?? char, char) })
  return start + char.length
}

function withLiteral(nodes: Node[], literal: string): Node[] {
  const last = nodes.at(-1)
  if (typeof last === 'string') nodes[nodes.length - 1] = last + literal
  else if (literal !== '') nodes.push(literal)
  return nodes
}

/** Where the brace opened at `start` closes; the end of the text when it does not. */
function closingBrace(text: string, start: number): number {
  let depth = 0
  for (let at = start; at < text.length; at++) {
    const char = text[at]
    if (char === '\\') at += 1
    else if (char === '{') depth += 1
    else if (char === '}' && --depth === 0) return at
  }
  return text.length
}

function parseLong(key: string, shortNames: ShortNames, depth: number): Source {
  const colon = key.indexOf(':')
  const head = colon < 0 ? key : key.slice(0, colon)
  const rest = colon < 0 ? '' : key.slice(colon + 1)
  const name = head.split(';', 1)[0] ?? ''
  if (name.toLowerCase() === 'if') return parseIf(key, shortNames, depth)
  if (colon < 0 && !head.includes(';')) return variable(canonicalName(head), head)
  if (isHashFunction(name)) return parseHash(head, rest, shortNames, depth)
  if (head === 'env') return { kind: 'environment', name: rest }
  return fieldKinds.has(head) ? field(head, rest) : variable(canonicalName(key), head)
}

function variable(name: string, unknownAs: string): Source {
  return { kind: 'variable', name, unknownAs, fallback: undefined }
}

function field(kind: string, rest: string): Source {
  const colon = rest.indexOf(':')
  const name = colon < 0 ? rest : rest.slice(0, colon)
  return {
    kind: 'variable',
    name: `${kind}:${name}`,
    unknownAs: kind,
    fallback: colon < 0 ? '' : rest.slice(colon + 1),
  }
}

function parseHash(head: string, of: string, shortNames: ShortNames, depth: number): Source {
  if (depth >= PARSE_LIMITS.nesting) throw new ExpandError('Variables are nested too deeply')
  const options = parseHashOptions(head)
  const defaultSalt = options.method === 'pkcs5' ? [of] : []
  const salt = options.salt === undefined ? defaultSalt : parseTemplate(options.salt, shortNames, depth + 1)
  return { kind: 'hash', options, of: parseLong(of, shortNames, depth + 1), salt }
}

function parseIf(key: string, shortNames: ShortNames, depth: number): Source {
  const parameters = splitParameters(key)
  if (parameters.length !== 4 && parameters.length !== 5) {
    throw new ExpandError(`if: requires four or five parameters, got ${parameters.length}`)
  }
  const [left = [], operator = [], right = [], whenTrue = [], whenFalse = []] = parameters.map((parameter) =>
    parseTemplate(parameter, shortNames, depth + 1),
  )
  return { kind: 'if', parts: { left, operator, right, whenTrue, whenFalse } }
}

/**
 * Splits at semicolons outside of nested `%{...}`. A backslash keeps the next character from being special; Dovecot drops
 * every backslash, doubled ones too. A colon outside of nested braces ends the list.
 */
function splitParameters(key: string): readonly string[] {
  const start = key.indexOf(';')
  if (start < 0) throw new ExpandError('if: missing parameter(s)')
  const parameters: string[] = []
  let parameter = ''
  let depth = 0
  let escaped = false
  let afterPercent = false
  for (const char of key.slice(start + 1)) {
    if (char === '\\') {
      escaped = true
      continue
    }
    if (!escaped && depth === 0 && char === ':') break
    if (!escaped && depth === 0 && char === ';') {
      parameters.push(parameter)
      parameter = ''
      continue
    }
    if (!escaped && char === '%') afterPercent = true
    else if (!escaped && char === '{' && afterPercent) {
      depth += 1
      afterPercent = false
    } else if (!escaped && char === '}' && depth > 0) depth -= 1
    escaped = false
    parameter += char
  }
  if (parameter !== '') parameters.push(parameter)
  return parameters
}
