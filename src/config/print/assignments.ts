import { escapeName, type ListEntry } from '../evaluate/block.ts'
import { defaultValues } from '../evaluate/defaults.ts'
import type { Merged } from '../merge.ts'
import { rootSchema, type Schema } from '../schema.ts'
import { entriesOf } from '../typed.ts'
import type { Scope } from './flat.ts'

/**
 * The `path=value` form of `doveconf -S`: lists with the names of their entries, titles as settings, nothing masked. Built-in
 * entries are listed too, with what differs from the defaults of a new one.
 */
export function printAssignments(merged: Merged, scope: Scope): readonly string[] {
  return [...linesOf(merged, '', '', rootSchema, scope)]
}

function* linesOf(merged: Merged, prefix: string, shown: string, schema: Schema, scope: Scope): Generator<string> {
  for (const [key, row] of schema.rows) {
    const path = prefix + key
    const set = merged.values.get(path)
    const value = set?.text ?? defaultValues.get(path) ?? row.default
    const isSet = set !== undefined || defaultValues.has(path)
    if (!isSet && (scope === 'set' || row.optional || row.own || (row.hidden && scope !== 'all-with-hidden'))) continue
    if (scope === 'changed' && value === row.default) continue
    yield `${shown}${key}=${value}`
  }
  for (const [type, section] of schema.sections) {
    const path = prefix + type
    if (section.kind === 'dictionary') {
      yield* freeLines(merged, path)
      continue
    }
    const entries = entriesOf(merged, path)
    if (entries.length === 0) continue
    const names = entries.map((entry, index) => nameOf(merged, path, entry, index, section))
    yield `${shown}${type}=${names.join(' ')}`
    for (const [index, { id }] of entries.entries()) {
      if (scope === 'set' && !hasTitle(merged, `${path}/${id}/${section.title}`)) {
        yield `${shown}${type}/${names[index]}/${section.title}=`
      }
      yield* linesOf(merged, `${path}/${id}/`, `${shown}${type}/${names[index]}/`, section.schema, scope)
    }
  }
}

function* freeLines(merged: Merged, name: string): Generator<string> {
  const lines = [...merged.values].filter(([path]) => path.startsWith(`${name}/`))
  if (lines.length > 0 || merged.lists.has(name)) yield `${name}=`
  for (const [path, { text }] of lines) yield `${path}=${text}`
}

function hasTitle(merged: Merged, path: string): boolean {
  return merged.values.has(path) || defaultValues.has(path)
}

/** An entry is called by its title, or by its number when it has none. */
function nameOf(
  merged: Merged,
  list: string,
  { id }: ListEntry,
  index: number,
  section: { readonly title: string; readonly merges: boolean },
): string {
  const path = `${list}/${id}/${section.title}`
  const title = merged.values.get(path)?.text ?? defaultValues.get(path) ?? ''
  return section.merges && title !== '' ? escapeName(title) : String(index)
}
