import type { Argument } from '../wire/argument-reader.ts'
import { writeSequenceSet } from '../wire/sequence-set.ts'
import { astringText } from './mailbox-argument.ts'
import { BadCommand } from './bad-command.ts'

/** What a SEARCH with RETURN tells. RFC 4731 §3.1. */
export type SearchReturn = 'MIN' | 'MAX' | 'ALL' | 'COUNT'

/** `()` is ALL. Throws BadCommand. */
export function parseSearchReturn(items: readonly Argument[]): ReadonlySet<SearchReturn> {
  const options = new Set<SearchReturn>()
  for (const item of items) {
    if (item.kind !== 'atom') throw new BadCommand('SEARCH return options contain non-atoms')
    const option = OPTIONS.find((one) => one === item.text.toUpperCase())
    if (option === undefined) throw new BadCommand('Unknown SEARCH return option')
    options.add(option)
  }
  return options.size === 0 ? new Set(['ALL']) : options
}

export interface SearchResult {
  readonly tag: string
  readonly uid: boolean
  /** Numbers or UIDs, ascending. */
  readonly found: readonly number[]
  /** The highest MODSEQ of what was found, when MODSEQ was searched for. */
  readonly modSeq: number | undefined
}

/** `* ESEARCH (TAG "a") UID MIN 1 MAX 3 ALL 1:3 COUNT 3`. */
export function esearchText(options: ReadonlySet<SearchReturn>, { tag, uid, found, modSeq }: SearchResult): string {
  const parts = [`* ESEARCH (TAG ${quotedTag(tag)})`]
  if (uid) parts.push('UID')
  if (options.has('MIN') && found.length > 0) parts.push(`MIN ${found[0]}`)
  if (options.has('MAX') && found.length > 0) parts.push(`MAX ${found.at(-1)}`)
  if (options.has('ALL') && found.length > 0) parts.push(`ALL ${writeSequenceSet(found)}`)
  if (options.has('COUNT')) parts.push(`COUNT ${found.length}`)
  if (modSeq !== undefined && found.length > 0) parts.push(`MODSEQ ${modSeq}`)
  return `${parts.join(' ')}\r\n`
}

/** `* SEARCH 1 2 3 (MODSEQ 15)`. RFC 3501 §7.2.5, RFC 7162 §3.1.5. */
export function searchText({ found, modSeq }: SearchResult): string {
  const numbers = found.length === 0 ? '' : ` ${found.join(' ')}`
  return `* SEARCH${numbers}${modSeq === undefined || found.length === 0 ? '' : ` (MODSEQ ${modSeq})`}\r\n`
}

const OPTIONS: readonly SearchReturn[] = ['MIN', 'MAX', 'ALL', 'COUNT']

function quotedTag(tag: string): string {
  const text = astringText(tag)
  return text.startsWith('"') ? text : `"${text}"`
}
