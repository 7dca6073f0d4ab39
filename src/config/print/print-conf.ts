// What `doveconf` prints of a configuration.
import { compareSpecificity, type FilterQuery } from '../filter.ts'
import { matchingBlocks, mergeBlocks } from '../merge.ts'
import type { ReadConfig } from '../read.ts'
import { printAssignments } from './assignments.ts'
import { type FlatLine, listBlock, listSettings, type Scope } from './flat.ts'
import { printSections, printSetting, type PrintOptions, wrapInFilter } from './sections.ts'

export interface ListingOptions extends PrintOptions {
  readonly scope: Scope
  /** The connection to print for; undefined: the global settings, and then every filter block. */
  readonly query: FilterQuery | undefined
}

const NOBODY: FilterQuery = { protocol: undefined, localName: undefined, localIp: undefined, remoteIp: undefined }

/** The settings in sections, and the filter blocks after them, the least special one first. */
export function printConfig(read: ReadConfig, options: ListingOptions): readonly string[] {
  const merged = mergeBlocks(matchingBlocks(read.blocks, options.query ?? NOBODY))
  const settings = printSections(listSettings(merged, options.scope), merged, options)
  return options.query === undefined ? [...settings, ...printFilters(read, options)] : settings
}

/** The settings as `path=value`. */
export function printFlat(read: ReadConfig, options: ListingOptions): readonly string[] {
  return printAssignments(mergeBlocks(matchingBlocks(read.blocks, options.query ?? NOBODY)), options.scope)
}

/** One setting, or all settings of a section, by name or path. */
export function printNamed(
  read: ReadConfig,
  name: string,
  valueOnly: boolean,
  options: ListingOptions,
): readonly string[] {
  const merged = mergeBlocks(matchingBlocks(read.blocks, options.query ?? NOBODY))
  const lines = listSettings(merged, options.scope)
  const exact = lines.find(({ path }) => path === name)
  if (exact !== undefined) return [valueOnly ? exact.value : printLeaf(exact)]
  return printSections(
    lines.filter(({ path }) => path.startsWith(`${name}/`)),
    merged,
    options,
  )
}

/** A setting that was asked for by its name is shown as it is. */
function printLeaf({ path, value }: FlatLine): string {
  return printSetting(path, value, { showSecrets: true })
}

function printFilters(read: ReadConfig, options: PrintOptions): readonly string[] {
  return read.blocks
    .slice(1)
    .toSorted((left, right) => compareSpecificity(right.filter, left.filter))
    .flatMap((block) => {
      const lines = listBlock(block)
      if (lines.length === 0) return []
      return wrapInFilter(block.filter, printSections(lines, block, options))
    })
}
