import type { TestContext } from 'node:test'
import { AclAccess } from '../../src/acl/access.ts'
import { MemoryBackend } from '../../src/acl/backends/memory.ts'
import { storeNamespaces } from '../../src/acl/store-namespaces.ts'
import { withAcl } from '../../src/acl/store.ts'
import type { AclNamespace } from '../../src/acl/namespace.ts'
import type { NamespaceSpec } from '../../src/storage/namespace.ts'
import type { StoreOptions } from '../../src/storage/open-store.ts'
import { StoreRefusal } from '../../src/storage/refusal.ts'
import type { MailStore, NewMessage } from '../../src/storage/store.ts'
import {
  MemoryMail,
  memoryLocation,
  memoryNamespace,
  memorySettings,
} from '../../src/storage/testing/open-memory-store.ts'

/** Mail in memory: olga's, which bob reaches as `shared/olga/…`, and public mail. */
export interface SharedMail {
  readonly backend: MemoryBackend
  /** Olga's mail without any checks. */
  readonly olga: MailStore
  /** Somebody's store with checks. */
  open(user: string, options?: OpenOptions): MailStore
  /** Puts entries on one of olga's mailboxes, as `bob` sees it; the empty name is the default object. */
  share(mailbox: string, text: string): void
  /** The same on public mail, and on olga's own view of hers. */
  publish(mailbox: string, text: string): void
  own(mailbox: string, text: string): void
  readonly changed: string[]
}

export interface OpenOptions {
  readonly purpose?: 'session' | 'delivery'
  /** Somebody else's name, for a master login. */
  readonly aclUser?: string
  readonly groups?: readonly string[]
  readonly ignored?: readonly string[]
}

export function openSharedMail(t: TestContext): SharedMail {
  const mail = new MemoryMail()
  const backend = new MemoryBackend()
  const changed: string[] = []
  const stores: MailStore[] = []
  t.after(async () => {
    await Promise.all(stores.map((store) => store.close()))
    await mail.close()
  })
  const optionsOf = (user: string): StoreOptions => ({
    user,
    namespaces: namespacesOf(user),
    settings: memorySettings,
    context: mail.context,
    owners: () => Promise.resolve(['olga']),
    log: () => undefined,
  })
  const open = (user: string): MailStore => {
    const store = mail.open(user, optionsOf(user))
    stores.push(store)
    return store
  }
  return {
    backend,
    changed,
    olga: open('olga'),
    open(user, { purpose = 'session', aclUser = user, groups = [], ignored = [] } = {}) {
      const access = new AclAccess({
        backend,
        identity: { user: aclUser, loginUser: user, groups: new Set(groups) },
        ignoredNamespaces: ignored,
      })
      return withAcl(open(user), {
        access,
        namespaces: storeNamespaces(optionsOf(user), () => 'copy'),
        purpose,
        onChange: ({ namespace, mailbox }) => {
          changed.push(namespace.prefix + mailbox)
          return Promise.resolve()
        },
        log: () => undefined,
        now: Date.now,
      })
    },
    share: (mailbox, text) => backend.put(prefixed('shared/olga/'), mailbox, text),
    publish: (mailbox, text) => backend.put(prefixed('Public/'), mailbox, text),
    own: (mailbox, text) => backend.put(prefixed(''), mailbox, text),
  }
}

function namespacesOf(user: string): readonly NamespaceSpec[] {
  return [
    memoryNamespace({ location: memoryLocation(user) }),
    memoryNamespace({
      name: 'shared',
      type: 'shared',
      prefix: 'shared/',
      ownerPattern: '%u/',
      inbox: false,
      list: 'children',
      subscriptions: false,
      location: (owner) => Promise.resolve(owner === 'olga' ? memoryLocation(owner) : undefined),
    }),
    memoryNamespace({
      name: 'public',
      type: 'public',
      prefix: 'Public/',
      inbox: false,
      list: 'children',
      subscriptions: false,
      location: memoryLocation('public'),
    }),
  ]
}

/** The memory backend knows namespaces by their prefix. */
function prefixed(prefix: string): AclNamespace {
  return { prefix } as AclNamespace
}

/** Stores a small message; resolves with its UID. */
export async function put(
  store: MailStore,
  mailbox: string,
  message: Partial<NewMessage> = {},
): Promise<readonly number[]> {
  const appending = await store.beginAppend(mailbox)
  try {
    await appending.begin({ bits: 0, keywords: [], ...message })
    await appending.write(Buffer.from('Subject: t\r\n\r\nx\r\n'))
    await appending.end()
    return (await appending.commit()).uids
  } finally {
    await appending.abort()
  }
}

/** What came of an operation: `ok`, or the code of the refusal. */
export async function outcome(work: Promise<unknown>): Promise<string> {
  try {
    await work
    return 'ok'
  } catch (error) {
    if (!(error instanceof StoreRefusal)) throw error
    return error.code
  }
}

/** Flags of all messages of a mailbox, by UID; `undefined` when there is no such mailbox. */
export async function flagsIn(store: MailStore, name: string): Promise<readonly string[] | undefined> {
  if ((await outcome(store.status(name))) !== 'ok') return undefined
  const mailbox = await store.open(name, 'read-only')
  await mailbox.sync({ expunge: true, look: 'now' })
  const flags = Array.from(
    { length: mailbox.count },
    (_, at) => `${mailbox.message(at + 1).uid} ${mailbox.message(at + 1).flags.text}`,
  )
  await mailbox.close()
  return flags
}
