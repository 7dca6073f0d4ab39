import type { MailStore, StoreNamespace } from '../../../../storage/store.ts'
import { BadCommand } from '../../server/bad-command.ts'
import type { Argument } from '../../wire/argument-reader.ts'
import { decodeMutf7 } from '../../../../util/mutf7.ts'

/** Patterns as Unicode, behind the reference; what is no mUTF-7 matches nothing and is left out. RFC 3501 §6.3.8. */
export function decodePatterns(reference: string, patterns: readonly string[]): readonly string[] {
  return patterns
    .map((pattern) => decodeMutf7(reference + pattern))
    .filter((pattern) => pattern !== undefined)
    .map((pattern) => pattern.replace(/\*[*%]+|%[*%]*\*[*%]*/g, '*').replace(/%+/g, '%'))
}

/** The patterns of LIST or LSUB: one, or several in parentheses. Throws BadCommand. */
export function patternTexts(argument: Argument | undefined): readonly string[] {
  const items = argument?.kind === 'list' ? argument.items : [argument]
  return items.map((item) => {
    if (item === undefined || item.kind === 'list') throw new BadCommand('Invalid pattern')
    return item.text
  })
}

/** A function that tells whether a name matches one of the patterns. `%` stops at the separator; INBOX has no case. */
export function matcher(patterns: readonly string[]): (name: string, separator: string) => boolean {
  return (name, separator) => patterns.some((pattern) => matches(pattern, name, separator))
}

/** What `LIST reference ""` answers: the reference's first level. RFC 3501 §6.3.8. */
export function rootOf({ namespaces }: MailStore, reference: string): { separator: string; root: string } {
  const home =
    namespaces.find((one) => one.prefix !== '' && `${reference}${one.separator}`.startsWith(one.prefix)) ??
    namespaces[0]
  const separator = home?.separator ?? '/'
  if (home !== undefined && home.prefix === `${reference}${separator}`) return { separator, root: home.prefix }
  const end = reference.indexOf(separator)
  return { separator, root: end < 0 ? '' : reference.slice(0, end + 1) }
}

/** The namespace with the longest prefix. */
export function namespaceOf(namespaces: readonly StoreNamespace[], name: string): StoreNamespace | undefined {
  let best: StoreNamespace | undefined
  for (const one of namespaces) {
    if (name.startsWith(one.prefix) && one.prefix.length >= (best?.prefix.length ?? 0)) best = one
  }
  return best
}

/** Without backtracking into more than the last wildcard of each kind: no pattern is slow. */
function matches(pattern: string, name: string, separator: string): boolean {
  const upToInbox = name.slice(0, 5) === 'INBOX' && (name.length === 5 || name.startsWith(separator, 5)) ? 5 : 0
  let reach = new Set([0])
  for (let at = 0; at < pattern.length && reach.size > 0; at++) {
    reach = step(reach, pattern.charAt(at), name, separator, upToInbox)
  }
  return reach.has(name.length)
}

/** Positions of the name that can be reached behind one more character of the pattern. */
function step(from: Set<number>, char: string, name: string, separator: string, noCase: number): Set<number> {
  const reach = new Set<number>()
  for (const at of from) {
    if (char === '*' || char === '%') {
      for (let to = at; to <= name.length && !reach.has(to); to++) {
        reach.add(to)
        if (char === '%' && name.startsWith(separator, to)) break
      }
    } else if (name.charAt(at) === char || (at < noCase && name.charAt(at) === char.toUpperCase())) reach.add(at + 1)
  }
  return reach
}
