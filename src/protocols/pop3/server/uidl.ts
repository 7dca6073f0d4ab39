import { createHash } from 'node:crypto'
import { compileTemplate, type ShortNames } from '../../../config/expand.ts'
import type { Settings } from '../../../config/config.ts'
import type { Mailbox } from '../../../storage/store.ts'

const SHORT_NAMES: ShortNames = new Map([
  ['v', 'uidvalidity'],
  ['u', 'uid'],
  ['m', 'md5'],
  ['f', 'filename'],
  ['g', 'guid'],
])

/**
 * Unique ids of these messages, as `pop3_uidl_format` says; an id kept with a message stands above it, and one of `given` above
 * both.
 */
export function uidlsOf(
  mailbox: Mailbox,
  settings: Settings,
  uids: readonly number[],
  given: ReadonlyMap<number, string>,
): readonly string[] {
  const template = compileTemplate(settings.pop3_uidl_format, SHORT_NAMES)
  const ids = uids.map((uid) => {
    const known = given.get(uid)
    if (known !== undefined) return known
    const identity = mailbox.identity(uid)
    if (identity?.pop3Uidl !== undefined) return identity.pop3Uidl
    const values: Readonly<Record<string, string | undefined>> = {
      uidvalidity: String(mailbox.uidValidity),
      uid: String(uid),
      filename: identity?.fileName,
      guid: identity?.guid,
      // Dovecot hashes headers of mbox messages; other formats have no such hash, and an id must not be empty.
      md5: createHash('md5')
        .update(identity?.guid ?? String(uid))
        .digest('hex'),
    }
    return template.expand((name) => values[name])
  })
  return settings.pop3_uidl_duplicates === 'rename' ? renameDuplicates(ids) : ids
}

/** The second of two equal ids gets `-2` behind it, and so on. */
function renameDuplicates(ids: readonly string[]): string[] {
  const seen = new Map<string, number>()
  return ids.map((id) => {
    const count = (seen.get(id) ?? 0) + 1
    seen.set(id, count)
    return count === 1 ? id : `${id}-${count}`
  })
}
