import { encodeMutf7 } from '../../../util/mutf7.ts'
import type { MailboxEntry } from '../../../storage/store.ts'
import { quoted } from '../wire/argument-writer.ts'
import { BadCommand } from '../server/bad-command.ts'
import { command } from '../server/command.ts'
import { astringText } from '../server/mailbox-argument.ts'
import type { ImapSession } from '../server/session.ts'
import { isTold } from '../../../storage/list-mailboxes.ts'
import { decodePatterns, matcher, namespaceOf, patternTexts } from './list/pattern.ts'

/** LSUB: what is subscribed, and with `%` what has something subscribed below it. RFC 3501 §6.3.9. */
export const lsub = command<{ readonly reference: string; readonly patterns: readonly string[] }>({
  name: 'LSUB',
  needs: 'authenticated',
  parse(args) {
    const reference = args.astring()
    if (reference === undefined) throw new BadCommand('Invalid reference')
    const patterns = patternTexts(args.next())
    if (!args.ended) throw new BadCommand('Extra arguments')
    return { reference, patterns }
  },
  async run(session, { reference, patterns: given }) {
    const patterns = decodePatterns(
      reference,
      given.filter((pattern) => pattern !== ''),
    )
    if (patterns.length > 0) await sayMatching(session, patterns)
    return { text: 'OK Lsub completed' }
  },
})

async function sayMatching({ out, store, mail }: ImapSession, patterns: readonly string[]): Promise<void> {
  const matches = matcher(patterns)
  const subscribed = new Set(await store.subscriptions())
  const entries = new Map((await store.list(['*', ...patterns])).map((entry) => [entry.name, entry]))
  const lines = new Map<string, string>()
  for (const name of subscribed) {
    const namespace = namespaceOf(store.namespaces, name)
    if (namespace === undefined || !isTold(namespace, patterns)) continue
    const { separator } = namespace
    if (matches(name, separator)) {
      lines.set(name, attributes(entries.get(name), mail.settings.imap_client_workarounds.includes('tb-lsub-flags')))
      continue
    }
    const parent = parentsOf(name, separator).find((one) => matches(one, separator) && !subscribed.has(one))
    if (parent !== undefined && !lines.has(parent)) lines.set(parent, '\\Noselect')
  }
  for (const name of [...lines.keys()].toSorted()) {
    const separator = quoted(namespaceOf(store.namespaces, name)?.separator ?? '/')
    out.text(`* LSUB (${lines.get(name)}) ${separator} ${astringText(encodeMutf7(name) ?? '')}\r\n`)
  }
}

/** Thunderbird wants to know what it cannot open (`tb-lsub-flags`). */
function attributes(entry: MailboxEntry | undefined, withFlags: boolean): string {
  const words = withFlags && entry?.selectable !== true ? ['\\Noselect'] : []
  return [...words, ...(entry?.specialUse ?? [])].join(' ')
}

function parentsOf(name: string, separator: string): string[] {
  const parents: string[] = []
  for (let at = name.lastIndexOf(separator); at > 0; at = name.lastIndexOf(separator, at - 1))
    parents.push(name.slice(0, at))
  return parents
}
