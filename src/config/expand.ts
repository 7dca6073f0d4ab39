import { authShortNames, type ShortNames } from './expand/names.ts'
import { type Node, parseTemplate, type Source } from './expand/parse.ts'
import { rendererOf } from './expand/render.ts'

export { ExpandError } from './expand/error.ts'
export { authShortNames, fieldKinds, loginShortNames, mailShortNames, type ShortNames } from './expand/names.ts'

/** A text with %variables, parsed once. */
export interface Template {
  /**
   * Fills the variables in. `escape` is applied to each variable's final value (after its modifiers), never to the
   * template's own text. Throws ExpandError for a variable the lookup does not know.
   */
  expand(lookup: VariableLookup, escape?: (value: string) => string): string
  /** Long names of the variables that the result depends on, each once. Environment variables are not among them. */
  readonly variables: readonly string[]
  readonly isConstant: boolean
}

/** name = canonical long name such as `user`, `rip`, `passdb:forward_x`; undefined = no such variable (or no such field). */
export type VariableLookup = (name: string) => string | undefined

/** Templates kept compiled, per set of short names. */
const CACHE_ENTRIES = 1000
const compiled = new WeakMap<ShortNames, Map<string, Template>>()

/**
 * Compiles a text with %variables. Throws ExpandError for syntax errors. Compiled templates are shared: the same text gives
 * the same object.
 */
export function compileTemplate(text: string, shortNames: ShortNames = authShortNames): Template {
  let cache = compiled.get(shortNames)
  if (cache === undefined) {
    cache = new Map()
    compiled.set(shortNames, cache)
  }
  const known = cache.get(text)
  if (known !== undefined) return known
  if (cache.size >= CACHE_ENTRIES) cache.clear()
  const template = build(parseTemplate(text, shortNames))
  cache.set(text, template)
  return template
}

function build(nodes: readonly Node[]): Template {
  const variables = [...new Set(namesIn(nodes))]
  const [only] = nodes
  if (nodes.length === 0 || (nodes.length === 1 && typeof only === 'string')) {
    const text = typeof only === 'string' ? only : ''
    return { expand: () => text, variables, isConstant: true }
  }
  return { expand: rendererOf(nodes), variables, isConstant: false }
}

function* namesIn(nodes: readonly Node[]): Iterable<string> {
  for (const node of nodes) if (typeof node !== 'string') yield* namesOf(node.source)
}

function* namesOf(source: Source): Iterable<string> {
  switch (source.kind) {
    case 'variable':
      yield source.name
      return
    case 'environment':
      return
    case 'hash':
      yield* namesOf(source.of)
      yield* namesIn(source.salt)
      return
    case 'if':
      for (const part of Object.values(source.parts)) yield* namesIn(part)
  }
}
