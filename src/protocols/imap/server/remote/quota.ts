import { decodeText } from '../../../wire-text.ts'
import type { QuotaRoot } from '../../../../storage/store.ts'
import { No } from '../bad-command.ts'
import type { RemoteMailboxes } from './remote-mailboxes.ts'
import type { RemoteName } from './replies.ts'
import { textOf } from './response.ts'
import type { Argument } from '../../wire/argument-reader.ts'

type Resource = QuotaRoot['resources'][number]

/** Quota roots of a mailbox on another server. Other users' are their own affair, as in Dovecot. Throws No. */
export async function quotaRootsElsewhere(remote: RemoteMailboxes, found: RemoteName): Promise<readonly QuotaRoot[]> {
  if (found.place.owner !== undefined) throw new No("Not showing other users' quota")
  return await remote.use(found.place, async (connection) => {
    if (!connection.capability.has('QUOTA')) return []
    const { answers } = await remote.ask(found, (mailbox) => `GETQUOTAROOT ${mailbox}`, ['QUOTA'])
    return answers.map(({ args: [name, resources] }) => ({
      name: decodeText(textOf(name) ?? ''),
      resources: resources?.kind === 'list' ? resourcesOf(resources.items) : [],
    }))
  })
}

/** `STORAGE 10 512 MESSAGE 3 100`. RFC 9208 §5.1. */
function resourcesOf(items: readonly Argument[]): readonly Resource[] {
  const resources: Resource[] = []
  for (let at = 0; at + 2 < items.length; at += 3) {
    const [name, usage, limit] = items.slice(at, at + 3).map((item) => textOf(item)?.toUpperCase() ?? '')
    if (name !== 'STORAGE' && name !== 'MESSAGE') continue
    resources.push({ name, usage: Number(usage), limit: Number(limit) })
  }
  return resources
}
