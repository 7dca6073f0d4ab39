// Mailboxes of other servers for whoever is no IMAP client: an administrator's commands, and deliveries.
import { type RefusalCode, StoreRefusal } from '../../../../storage/refusal.ts'
import type {
  Appending,
  CreateOptions,
  Mailbox,
  MailboxEntry,
  MailboxStatus,
  MailStore,
  NewMessage,
  QuotaRoot,
} from '../../../../storage/store.ts'
import { StoreAround } from '../../../../storage/store-around.ts'
import type { MailSession } from '../../../mail-session.ts'
import type { RemoteMail } from '../../../remote-mail.ts'
import { No, SessionOver } from '../bad-command.ts'
import { ImapSession } from '../session.ts'
import { askRights } from './asking.ts'
import { DeafStream } from './deaf-stream.ts'
import { RemoteMailboxes } from './remote-mailboxes.ts'
import type { RemoteName } from './replies.ts'
import { textOf } from './response.ts'
import { SpooledAppending } from './spooled-appending.ts'

/**
 * The user's mail with the mailboxes that other servers keep: they can be listed, made, removed, subscribed, asked for their status,
 * and filled. What they hold is not read: that is work for the server that keeps them. Refusals are StoreRefusals.
 */
export function openStoreWithoutClient(mail: MailSession, elsewhere: RemoteMail): StoreElsewhere {
  const session = new ImapSession(new DeafStream(), mail)
  const remote = new RemoteMailboxes(session, elsewhere)
  session.remote = remote
  return { store: new StoreWithoutClient(mail.store, remote), leave: () => remote.close() }
}

export interface StoreElsewhere {
  readonly store: MailStore
  /** Ends the connections to other servers; what is here stays open. */
  readonly leave: () => void
}

class StoreWithoutClient extends StoreAround {
  readonly #remote: RemoteMailboxes

  constructor(here: MailStore, remote: RemoteMailboxes) {
    super(here)
    this.#remote = remote
  }

  override async list(patterns: readonly string[]): Promise<readonly MailboxEntry[]> {
    return await refusing(this.#remote.store.list(patterns))
  }

  override async subscriptions(): Promise<readonly string[]> {
    return await refusing(this.#remote.store.subscriptions())
  }

  override async subscribe(name: string, subscribed: boolean): Promise<void> {
    await refusing(this.#remote.store.subscribe(name, subscribed))
  }

  override async create(name: string, options?: CreateOptions): Promise<void> {
    await refusing(this.#remote.store.create(name, options))
  }

  override async delete(name: string): Promise<void> {
    await refusing(this.#remote.store.delete(name))
  }

  override async rename(from: string, to: string): Promise<void> {
    await refusing(this.#remote.store.rename(from, to))
  }

  override async status(name: string): Promise<MailboxStatus> {
    const found = await this.#remote.find(name)
    return found === undefined ? await this.inner.status(name) : await refusing(this.#statusThere(found))
  }

  override async open(name: string, mode: 'read-only' | 'read-write'): Promise<Mailbox> {
    const found = await this.#remote.find(name)
    if (found === undefined) return await this.inner.open(name, mode)
    throw new StoreRefusal('cannot', `Mailbox is on ${found.place.server}: this can be done there only`)
  }

  override async beginAppend(name: string): Promise<Appending> {
    const found = await this.#remote.find(name)
    if (found === undefined) return await this.inner.beginAppend(name)
    // Whoever delivers wants to know now whether it will be taken, before the message is there.
    await refusing(this.#expectInsert(found))
    return new RefusingAppending(new SpooledAppending(await this.#remote.store.beginAppend(name)))
  }

  override async quotaRoots(name: string): Promise<readonly QuotaRoot[]> {
    return await refusing(this.#remote.store.quotaRoots(name))
  }

  override async close(): Promise<void> {
    this.#remote.close()
    await this.inner.close()
  }

  async #expectInsert(to: RemoteName): Promise<void> {
    const hasAcl = await this.#remote.use(
      to.place,
      async ({ capability }) => await Promise.resolve(capability.has('ACL')),
    )
    if (!hasAcl) return void (await this.#statusThere(to))
    const rights = await askRights(this.#remote, to)
    if (!rights.join('').includes('i')) throw new StoreRefusal('no-permission', 'Permission denied')
  }

  /** What the server does not tell is 0, or empty. */
  async #statusThere(to: RemoteName): Promise<MailboxStatus> {
    const { answers } = await this.#remote.ask(
      to,
      (mailbox, { capability }) => `STATUS ${mailbox} (${itemsFor(capability).join(' ')})`,
      ['STATUS'],
      { mayRepeat: true },
    )
    const list = answers[0]?.args[1]
    const words = list?.kind === 'list' ? list.items.map((item) => textOf(item) ?? '') : []
    const numberOf = (item: string): number => {
      const at = words.findIndex((word) => word.toUpperCase() === item)
      return at < 0 ? 0 : Number(words[at + 1] ?? 0)
    }
    return {
      messages: numberOf('MESSAGES'),
      recent: numberOf('RECENT'),
      unseen: numberOf('UNSEEN'),
      deleted: 0,
      uidNext: numberOf('UIDNEXT'),
      uidValidity: numberOf('UIDVALIDITY'),
      highestModSeq: numberOf('HIGHESTMODSEQ'),
      sizeBytes: numberOf('SIZE'),
      guid: '',
    }
  }
}

function itemsFor(capability: ReadonlySet<string>): readonly string[] {
  const more = [
    ...(capability.has('CONDSTORE') || capability.has('QRESYNC') ? ['HIGHESTMODSEQ'] : []),
    ...(capability.has('STATUS=SIZE') ? ['SIZE'] : []),
  ]
  return ['MESSAGES', 'RECENT', 'UIDNEXT', 'UIDVALIDITY', 'UNSEEN', ...more]
}

class RefusingAppending implements Appending {
  readonly mailbox: string
  readonly #to: Appending

  constructor(to: Appending) {
    this.mailbox = to.mailbox
    this.#to = to
  }

  async begin(message: NewMessage): Promise<void> {
    await refusing(this.#to.begin(message))
  }

  async write(chunk: Uint8Array): Promise<void> {
    await this.#to.write(chunk)
  }

  async end(): Promise<void> {
    await refusing(this.#to.end())
  }

  async commit(): ReturnType<Appending['commit']> {
    return await refusing(this.#to.commit())
  }

  async abort(): Promise<void> {
    await this.#to.abort()
  }
}

/** The other server's NO as a refusal. */
async function refusing<Value>(work: Promise<Value>): Promise<Value> {
  try {
    return await work
  } catch (error) {
    if (error instanceof SessionOver) throw new StoreRefusal('temporary', error.message, { cause: error })
    if (!(error instanceof No)) throw error
    const [, code = '', text = error.message] = /^\[([A-Z-]+)[^\]]*\] (.*)$/s.exec(error.message) ?? []
    throw new StoreRefusal(CODES.get(code) ?? codeOfText(text), text, { cause: error })
  }
}

/** RFC 5530. */
const CODES: ReadonlyMap<string, RefusalCode> = new Map([
  ['NONEXISTENT', 'not-found'],
  ['TRYCREATE', 'not-found'],
  ['ALREADYEXISTS', 'exists'],
  ['NOPERM', 'no-permission'],
  ['OVERQUOTA', 'over-quota'],
  ['LIMIT', 'limit'],
  ['INUSE', 'in-use'],
  ['UNAVAILABLE', 'temporary'],
  ['SERVERBUG', 'temporary'],
  ['CANNOT', 'cannot'],
])

/** Dovecot says of STATUS that there is no such mailbox without a code. */
function codeOfText(text: string): RefusalCode {
  return text.startsWith("Mailbox doesn't exist") ? 'not-found' : 'cannot'
}
