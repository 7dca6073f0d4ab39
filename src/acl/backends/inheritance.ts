// Live inheritance: what a mailbox does not say about somebody, the mailboxes above it say.
import type { AclLine } from '../acl-line.ts'
import type { AclSource } from '../global.ts'
import { type Identifier, identifierText } from '../identifier.ts'

/**
 * Sources from the mailbox up to the namespace's default: for every identifier the lines of the nearest one that names it. A
 * file that cannot be read makes everything below it as closed as itself: what it would have denied is not known.
 */
export function inheritLines(sources: readonly AclSource[]): AclSource {
  const lines: AclLine[] = []
  const named = new Set<string>()
  let mtimeSecs = 0
  for (const source of sources) {
    if (source.kind === 'broken') return source
    const inherited = source.lines.filter((line) => !named.has(textOf(line)))
    lines.push(...inherited)
    for (const line of inherited) named.add(textOf(line))
    mtimeSecs = Math.max(mtimeSecs, source.mtimeSecs ?? 0)
  }
  return { kind: 'lines', lines, mtimeSecs }
}

function textOf({ identifier }: { readonly identifier: Identifier }): string {
  return identifierText(identifier)
}
