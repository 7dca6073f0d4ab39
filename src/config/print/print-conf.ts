// What `doveconf` prints of a configuration.
import type { Block } from '../evaluate/block.ts'
import { compareSpecificity, type FilterQuery, matchesWhereKnown } from '../filter.ts'
import { matchingBlocks, type Merged, mergeBlocks } from '../merge.ts'
import type { ReadConfig } from '../read.ts'
import { namesOfPart } from '../settings/parts.ts'
import { printAssignments } from './assignments.ts'
import { type FlatLine, listBlock, listSettings, type Scope } from './flat.ts'
import { printSections, type PrintOptions, wrapInFilter } from './sections.ts'

export interface ListingOptions extends PrintOptions {
  readonly scope: Scope
  /** The connection to print for; undefined: the global settings. */
  readonly query: FilterQuery | undefined
  /** Parts of Dovecot whose settings to print; empty: all. */
  readonly parts: readonly string[]
}

const NOBODY: FilterQuery = { protocol: undefined, localName: undefined, localIp: undefined, remoteIp: undefined }

/** The settings in sections, and the filter blocks after them, the least special one first. */
export function printConfig(read: ReadConfig, options: ListingOptions): readonly string[] {
  const merged = mergedFor(read, options)
  return [
    ...printSections(select(listSettings(merged, options.scope), options), merged, options),
    ...printFilters(read, options),
  ]
}

/** The settings as `path=value`. */
export function printFlat(read: ReadConfig, options: ListingOptions): readonly string[] {
  const lines = printAssignments(mergedFor(read, options), options.scope)
  return selectPaths(lines, (line) => line.slice(0, line.indexOf('=')), options)
}

/** One setting, or all settings of a section, by name or path. */
export function printNamed(
  read: ReadConfig,
  name: string,
  options: ListingOptions,
  flat: boolean,
  valueOnly: boolean,
): readonly string[] {
  const merged = mergedFor(read, options)
  if (flat) {
    const isNamed = (line: string) => line.startsWith(`${name}=`) || line.startsWith(`${name}/`)
    return printAssignments(merged, options.scope).filter(isNamed)
  }
  const scope = options.scope === 'all' ? 'all-with-hidden' : options.scope
  const lines = listSettings(merged, scope, true)
  const exact = lines.find(({ path }) => path === name)
  if (exact === undefined) {
    const below = lines.filter(({ path }) => path.startsWith(`${name}/`))
    return printSections(below, merged, options)
  }
  // A setting that is asked for by its name is shown as it is, secret or not, never quoted.
  return [valueOnly ? exact.value : `${exact.path} = ${exact.value}`]
}

function printFilters(read: ReadConfig, options: ListingOptions): readonly string[] {
  const { query } = options
  return read.blocks
    .slice(1)
    .filter((block) => query === undefined || matchesWhereKnown(block.filter, query))
    .toSorted((left, right) => compareSpecificity(right.filter, left.filter))
    .flatMap((block) => printFilter(block, options))
}

function printFilter(block: Block, options: ListingOptions): readonly string[] {
  const lines = select(listBlock(block), options)
  return lines.length === 0 ? [] : wrapInFilter(block.filter, printSections(lines, block, options))
}

function mergedFor(read: ReadConfig, { query }: ListingOptions): Merged {
  return mergeBlocks(matchingBlocks(read.blocks, query ?? NOBODY))
}

function select(lines: readonly FlatLine[], options: ListingOptions): readonly FlatLine[] {
  return selectPaths(lines, ({ path }) => path, options)
}

function selectPaths<T>(lines: readonly T[], pathOf: (line: T) => string, { parts }: ListingOptions): readonly T[] {
  if (parts.length === 0) return lines
  const names = new Set(parts.flatMap((part) => [...namesOfPart(part)]))
  return lines.filter((line) => names.has(pathOf(line).split('/', 1)[0] ?? ''))
}
