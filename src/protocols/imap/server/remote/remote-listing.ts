// Mailboxes of other servers in LIST.
import { LRUCache } from 'lru-cache'
import { decodeMutf7 } from '../../../../util/mutf7.ts'
import type { MailboxEntry } from '../../../../storage/store.ts'
import type { RemotePlace } from '../../../remote-mail.ts'
import type { Argument } from '../../wire/argument-reader.ts'
import { No } from '../bad-command.ts'
import { isAway } from './away-servers.ts'
import type { RemoteConnection } from './connection.ts'
import { REMOTE_LIMITS } from './limits.ts'
import type { RemoteMailboxes } from './remote-mailboxes.ts'
import { toVirtual } from './remote-names.ts'
import { isOk, textOf } from './response.ts'

interface Listing {
  readonly entries: readonly MailboxEntry[]
  /** Of performance.now(); a listing serves all questions of one command. */
  readonly until: number
}

/** What was listed last, by user and place: a server that is away for a while takes no mailboxes away from clients. */
const lastSeen = new LRUCache<string, readonly MailboxEntry[]>({
  maxSize: REMOTE_LIMITS.responses,
  sizeCalculation: (entries) => entries.length + 1,
})

/** One session's view of what other servers list. */
export class RemoteListing {
  readonly #remote: RemoteMailboxes
  readonly #fresh = new Map<string, Listing>()

  constructor(remote: RemoteMailboxes) {
    this.#remote = remote
  }

  /** Mailboxes of these places, and the levels above them. A server that cannot be asked is listed as it was. */
  async entries(places: readonly RemotePlace[]): Promise<readonly MailboxEntry[]> {
    const found: MailboxEntry[] = []
    for (let at = 0; at < places.length; at += REMOTE_LIMITS.listsAtOnce) {
      const some = places.slice(at, at + REMOTE_LIMITS.listsAtOnce)
      const listed = await Promise.all(some.map((place) => this.entriesOf(place)))
      for (const entries of listed) found.push(...(entries ?? []))
    }
    return found
  }

  /** The same for one; `undefined`: nobody knows. */
  async entriesOf(place: RemotePlace): Promise<readonly MailboxEntry[] | undefined> {
    const fresh = this.#fresh.get(place.prefix)
    if (fresh !== undefined && fresh.until > performance.now()) return fresh.entries
    const key = `${this.#remote.session.mail.user}\0${place.prefix}`
    if (isAway(place.server)) return lastSeen.get(key)
    try {
      const entries = await this.#remote.use(place, (connection) => this.#ask(place, connection), {
        limitMs: REMOTE_LIMITS.listMs,
        mayRepeat: true,
      })
      lastSeen.set(key, entries)
      this.#fresh.set(place.prefix, { entries, until: performance.now() + FRESH_MS })
      return entries
    } catch (error) {
      if (!(error instanceof No)) throw error
      // Who is not let in any more is not to see what he could.
      return isAway(place.server) ? lastSeen.get(key) : undefined
    }
  }

  /** Names that are subscribed there, for namespaces that keep their subscriptions with their mail. */
  async subscribed(place: RemotePlace): Promise<readonly string[]> {
    try {
      return await this.#remote.use(place, async (connection) => {
        const { answers } = await this.#remote.askOn(connection, 'LSUB "" "*"', ['LSUB'])
        return answers.flatMap(({ args: [, , name] }) => {
          const remote = decodeMutf7(textOf(name) ?? '')
          return (remote === undefined ? undefined : toVirtual(place, connection.naming, remote)) ?? []
        })
      })
    } catch (error) {
      if (error instanceof No) return []
      throw error
    }
  }

  /** Something was made or removed there. */
  forget(place: RemotePlace): void {
    this.#fresh.delete(place.prefix)
  }

  async #ask(place: RemotePlace, connection: RemoteConnection): Promise<readonly MailboxEntry[]> {
    const { answers, text } = await this.#remote.askOn(connection, 'LIST "" "*"', ['LIST'], REMOTE_LIMITS.listMs)
    if (!isOk(text)) throw new No(text)
    const seesInbox = await this.#seesInbox(place, connection)
    const entries = new Map<string, MailboxEntry>()
    for (const { args } of answers) {
      const entry = entryOf(place, connection, args)
      if (entry === undefined) continue
      entries.set(entry.name, entry.name === place.inboxName && !seesInbox ? directory(place, entry.name) : entry)
    }
    return withParents(place, entries)
  }

  /** An INBOX is listed even to those who may not open it. */
  async #seesInbox({ owner }: RemotePlace, connection: RemoteConnection): Promise<boolean> {
    if (owner === undefined || !connection.capability.has('ACL')) return true
    const { text, answers } = await this.#remote.askOn(connection, 'MYRIGHTS INBOX', ['MYRIGHTS'], REMOTE_LIMITS.listMs)
    return isOk(text) && (textOf(answers[0]?.args[1]) ?? '').includes('l')
  }
}

/** `(\HasChildren) "/" Work`. */
function entryOf(
  place: RemotePlace,
  { naming }: RemoteConnection,
  [attributes, , name]: readonly Argument[],
): MailboxEntry | undefined {
  const remote = decodeMutf7(textOf(name) ?? '')
  const shown = remote === undefined ? undefined : toVirtual(place, naming, remote)
  if (shown === undefined || attributes?.kind !== 'list') return undefined
  const words = new Set(attributes.items.map((item) => textOf(item)?.toLowerCase()))
  const existing = !words.has('\\nonexistent')
  return {
    name: shown,
    namespace: place.namespace,
    selectable: existing && !words.has('\\noselect'),
    noInferiors: words.has('\\noinferiors'),
    // What is somebody else's Sent is not this user's.
    specialUse: place.owner === undefined ? specialUses(attributes.items) : [],
    existing,
  }
}

function specialUses(items: readonly Argument[]): readonly string[] {
  return items.flatMap((item) => {
    const word = textOf(item) ?? ''
    return /^\\(?:All|Archive|Drafts|Flagged|Junk|Sent|Trash)$/i.test(word) ? [word] : []
  })
}

/** With the levels above that the other server does not know of: an owner's name, and what stands before it. */
function withParents(place: RemotePlace, entries: Map<string, MailboxEntry>): readonly MailboxEntry[] {
  const { separator } = place.namespace
  for (const name of entries.keys()) {
    for (let at = name.indexOf(separator); at > 0; at = name.indexOf(separator, at + 1)) {
      const parent = name.slice(0, at)
      if (!entries.has(parent) && parent !== 'INBOX') entries.set(parent, directory(place, parent))
    }
  }
  // An owner of whom nothing may be seen is not there.
  return [...entries.values()].some(({ selectable }) => selectable) ? [...entries.values()] : []
}

function directory({ namespace }: RemotePlace, name: string): MailboxEntry {
  return { name, namespace, selectable: false, noInferiors: false, specialUse: [], existing: true }
}

const FRESH_MS = 500
