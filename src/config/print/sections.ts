// The nested form of a listing: sections with two blanks of indent, everything in the order of its path.
import { unescapeName } from '../evaluate/block.ts'
import { defaultLists, defaultValues } from '../evaluate/defaults.ts'
import { type FilterSpec, isNarrow, printNet } from '../filter.ts'
import type { Merged } from '../merge.ts'
import { rootSchema, type Schema } from '../schema.ts'
import { entriesOf } from '../typed.ts'
import type { FlatLine } from './flat.ts'
import { maskValue } from './mask.ts'

export interface PrintOptions {
  readonly showSecrets: boolean
}

/** One section around a setting: its opening line, and the part of the order it stands for. */
interface Around {
  readonly opening: string
  readonly order: string
}

interface Placed {
  readonly around: readonly Around[]
  readonly order: string
  readonly key: string
  readonly value: string
}

/** The lines of a listing, each without a line end; a value with line ends stays one item. */
export function printSections(lines: readonly FlatLine[], of: Merged, options: PrintOptions): readonly string[] {
  const placed = lines.map((line) => place(line, of)).toSorted((left, right) => compareOrder(left.order, right.order))
  const printed: string[] = []
  let open: readonly Around[] = []
  for (const { around, key, value } of placed) {
    const shared = countShared(open, around)
    for (let depth = open.length; depth > shared; depth--) printed.push(`${indent(depth - 1)}}`)
    for (const [depth, section] of around.entries()) {
      if (depth >= shared) printed.push(`${indent(depth)}${section.opening}`)
    }
    printed.push(`${indent(around.length)}${printSetting(key, value, options)}`)
    open = around
  }
  for (let depth = open.length; depth > 0; depth--) printed.push(`${indent(depth - 1)}}`)
  return printed
}

/** `key = value`, quoted when the value would not survive otherwise; Dovecot leaves the quotes out around masked values. */
export function printSetting(key: string, value: string, { showSecrets }: PrintOptions): string {
  const shown = showSecrets ? value : maskValue(key, value)
  if (!needsQuotes(value)) return `${key} = ${shown}`
  return `${key} = ${shown === value ? `"${escape(value)}"` : escape(shown)}`
}

/** Puts lines into the filter that they are for. */
export function wrapInFilter(filter: FilterSpec, lines: readonly string[]): readonly string[] {
  const openings = [
    isNarrow(filter.local) && `local ${printNet(filter.local)} {`,
    filter.localName !== undefined && `local_name ${filter.localName} {`,
    isNarrow(filter.remote) && `remote ${printNet(filter.remote)} {`,
    filter.protocol !== undefined && `protocol ${filter.protocol} {`,
  ].filter((opening) => typeof opening === 'string')
  return [
    ...openings.map((opening, depth) => indent(depth) + opening),
    ...lines.map((line) => indent(openings.length) + line),
    ...openings.map((_, index) => `${indent(openings.length - 1 - index)}}`),
  ]
}

function place({ path, value }: FlatLine, of: Merged): Placed {
  const parts = path.split('/')
  const around: Around[] = []
  let schema: Schema | undefined = rootSchema
  let [prefix, order] = ['', '']
  for (let index = 0; index + 1 < parts.length; ) {
    const type: string = parts[index] ?? ''
    const section: ReturnType<Schema['sections']['get']> = schema?.sections.get(type)
    if (section?.kind !== 'list') {
      order += `${type}/`
      around.push({ opening: `${type} {`, order })
      index += 1
      break
    }
    const id = parts[index + 1] ?? ''
    const title = titleOf(of, `${prefix}${type}`, id, section)
    // Entries without a title are ordered by their number, compared as text: 10 comes before 2.
    order += `${type}/${title === '' || !section.merges ? numberOf(of, `${prefix}${type}`, id) : id}/`
    around.push({ opening: section.merges && title !== '' ? `${type} ${quoteName(title)} {` : `${type} {`, order })
    prefix += `${type}/${id}/`
    schema = section.schema
    index += 2
  }
  const key = parts.at(-1) ?? ''
  return { around, order: order + key, key, value }
}

function titleOf(of: Merged, list: string, id: string, section: { readonly title: string }): string {
  const path = `${list}/${id}/${section.title}`
  const title = of.values.get(path)?.text ?? defaultValues.get(path)
  if (title !== undefined) return title
  const isEntry = of.lists.get(list)?.some((entry) => entry.id === id) ?? false
  return isEntry || !(defaultLists.get(list)?.some((entry) => entry.id === id) ?? false) ? '' : unescapeName(id)
}

function numberOf(of: Merged, list: string, id: string): number {
  return entriesOf(of, list).findIndex((entry) => entry.id === id)
}

/** Byte by byte as Dovecot's C compares `char`: bytes from 128 on are negative, so they come first. */
function compareOrder(left: string, right: string): number {
  if (/^[ -~]*$/.test(left + right)) return left < right ? -1 : left > right ? 1 : 0
  const [first, second] = [new Int8Array(Buffer.from(left)), new Int8Array(Buffer.from(right))]
  const at = first.findIndex((byte, index) => byte !== second[index])
  if (at < 0) return first.length - second.length
  return (first[at] ?? 0) - (second[at] ?? -129)
}

function countShared(left: readonly Around[], right: readonly Around[]): number {
  let shared = 0
  while (shared < left.length && shared < right.length && left[shared]?.order === right[shared]?.order) shared++
  return shared
}

function needsQuotes(value: string): boolean {
  return value.includes('#') || /^[ \t]|[ \t]$/.test(value)
}

function escape(value: string): string {
  return value.replace(/["\\']/g, '\\$&')
}

function quoteName(name: string): string {
  return /[ \t]/.test(name) ? `"${escape(name)}"` : name
}

function indent(depth: number): string {
  return '  '.repeat(depth)
}
