// A configuration as `path = value` lines, before they are put in order and form.
import type { Block } from '../evaluate/block.ts'
import { defaultValues } from '../evaluate/defaults.ts'
import type { Merged } from '../merge.ts'
import type { Row } from '../setting.ts'
import { rootSchema, type Schema, type SectionSchema } from '../schema.ts'
import { entriesOf } from '../typed.ts'

/** Which settings to list. */
export type Scope =
  /** Those whose value is not the default. */
  | 'changed'
  /** Those that were set, whatever the value. */
  | 'set'
  /** All. */
  | 'all'
  /** All, with those that are usually hidden. */
  | 'all-with-hidden'

/** A setting in a listing. */
export interface FlatLine {
  readonly path: string
  readonly value: string
}

/** What a listing of sections shows. Settings that Dovecot does not have appear among all settings only `withOwn`. */
export function listSettings(merged: Merged, scope: Scope, withOwn = false): readonly FlatLine[] {
  if (scope === 'all' || scope === 'all-with-hidden') {
    const isShown = (row: Row<unknown>) => !row.optional && (withOwn || !row.own) && (scope !== 'all' || !row.hidden)
    return [...allOf(merged, '', rootSchema, isShown), ...freeOf(merged)]
  }
  return [...setOf(merged, scope), ...namespaceLines(merged)]
}

/** The settings that one filter block sets itself. */
export function listBlock(block: Block): readonly FlatLine[] {
  return [...setOf(block, 'set'), ...namespaceLines(block)]
}

/** Whether a setting's path names the title of its section, which is not listed as a setting. */
export function isTitle(path: string): boolean {
  return titlePlace(path)?.merges === true
}

function* setOf(merged: Merged, scope: 'changed' | 'set'): Generator<FlatLine> {
  for (const [path, { text }] of merged.values) {
    if (isTitle(path)) continue
    if (scope === 'set' || !isDefault(path, text)) yield { path, value: text }
  }
}

/** Top-level settings and those of databases are compared with their defaults; other sections show all that was set. */
function isDefault(path: string, text: string): boolean {
  const row = rowOf(path)
  if (row === undefined || row.optional) return false
  return (!path.includes('/') || /^(passdb|userdb)\//.test(path)) && text === row.default
}

/** Dovecot shows where every namespace is, set or not. */
function* namespaceLines(merged: Merged): Generator<FlatLine> {
  for (const { id } of merged.lists.get('namespace') ?? []) {
    for (const key of ['location', 'prefix']) {
      const path = `namespace/${id}/${key}`
      if (!merged.values.has(path)) yield { path, value: '' }
    }
  }
}

function* allOf(
  merged: Merged,
  prefix: string,
  schema: Schema,
  isShown: (row: Row<unknown>) => boolean,
): Generator<FlatLine> {
  for (const [key, row] of schema.rows) {
    const path = prefix + key
    const set = merged.values.get(path)
    if (set === undefined && !isShown(row)) continue
    if (!isTitle(path)) yield { path, value: set?.text ?? defaultValues.get(path) ?? row.default }
  }
  for (const [type, section] of schema.sections) {
    if (section.kind === 'dictionary') continue
    for (const { id } of entriesOf(merged, prefix + type)) {
      yield* allOf(merged, `${prefix}${type}/${id}/`, section.schema, isShown)
    }
  }
}

function* freeOf(merged: Merged): Generator<FlatLine> {
  for (const [path, { text }] of merged.values) {
    if (path.startsWith('plugin/') || path.startsWith('dict/')) yield { path, value: text }
  }
}

/** The list that a path such as `service/imap/name` gives a title for. */
function titlePlace(path: string): (SectionSchema & { kind: 'list' }) | undefined {
  const parts = path.split('/')
  let schema: Schema = rootSchema
  for (let index = 0; index + 2 < parts.length; index += 2) {
    const section = schema.sections.get(parts[index] ?? '')
    if (section?.kind !== 'list') return undefined
    if (index + 3 === parts.length) return section.title === parts[index + 2] ? section : undefined
    schema = section.schema
  }
  return undefined
}

/** The row of a full path. */
function rowOf(path: string): Row<unknown> | undefined {
  const parts = path.split('/')
  let schema: Schema = rootSchema
  for (let index = 0; index + 1 < parts.length; index += 2) {
    const section = schema.sections.get(parts[index] ?? '')
    if (section?.kind !== 'list') return undefined
    schema = section.schema
  }
  return schema.rows.get(parts.at(-1) ?? '')
}
