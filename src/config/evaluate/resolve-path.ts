import type { Row } from '../setting.ts'
import { rootSchema, type Schema } from '../schema.ts'
import type { Block } from './block.ts'
import { defaultLists } from './defaults.ts'

/** What a path names: a row, a free key of a dictionary, or a list itself. */
export type PathTarget =
  | { readonly kind: 'row'; readonly path: string; readonly row: Row<unknown> }
  | { readonly kind: 'free'; readonly path: string }
  | { readonly kind: 'list'; readonly path: string; readonly dictionary: boolean }

/** Where in the schema a section is. `undefined` inside a dictionary. */
export interface SchemaPlace {
  /** Empty, or ends with a slash. */
  readonly prefix: string
  readonly schema: Schema | undefined
}

export const rootPlace: SchemaPlace = { prefix: '', schema: rootSchema }

/** Finds what `key`, which may be a path, names in a section; undefined when there is no such setting. */
export function resolvePath(block: Block, place: SchemaPlace, key: string): PathTarget | undefined {
  const [head = '', ...tail] = key.split('/')
  const { schema, prefix } = place
  if (!isOpenIn(block, prefix)) return undefined
  if (schema === undefined) return tail.length === 0 ? { kind: 'free', path: prefix + head } : undefined
  const section = schema.sections.get(head)
  if (section === undefined) {
    const name = schema.aliases.get(head) ?? head
    const row = tail.length === 0 ? schema.rows.get(name) : undefined
    return row && { kind: 'row', path: prefix + name, row }
  }
  const path = prefix + head
  const [id, ...rest] = tail
  if (id === undefined) return { kind: 'list', path, dictionary: section.kind === 'dictionary' }
  if (section.kind === 'dictionary') return rest.length === 0 ? { kind: 'free', path: `${path}/${id}` } : undefined
  if (rest.length === 0 || !hasEntry(block, path, id)) return undefined
  return resolvePath(block, { prefix: `${path}/${id}/`, schema: section.schema }, rest.join('/'))
}

/** A filter inside a section starts a block that does not have the section. */
export function isOpenIn(block: Block, prefix: string): boolean {
  if (prefix === '') return true
  const parts = prefix.split('/').slice(0, -1)
  if (parts.length === 1) return block.lists.has(prefix.slice(0, -1))
  for (let depth = 2; depth <= parts.length; depth += 2) {
    if (!hasEntry(block, parts.slice(0, depth - 1).join('/'), parts[depth - 1] ?? '')) return false
  }
  return true
}

/** Whether a list has an entry, set or built in. */
export function hasEntry(block: Block, listPath: string, id: string): boolean {
  const isIt = (entry: { readonly id: string }) => entry.id === id
  return (block.lists.get(listPath)?.some(isIt) ?? false) || (defaultLists.get(listPath)?.some(isIt) ?? false)
}
