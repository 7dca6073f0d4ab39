import { runSearch } from '../../../protocols/imap/commands/search/run.ts'
import { StoreRefusal } from '../../../storage/refusal.ts'
import type { Mailbox, MailboxEntry, MailStore } from '../../../storage/store.ts'
import { asksSaved, compileQuery, mayMatch, namedMailboxes } from './compile-query.ts'
import type { Query } from './query.ts'

/** Messages of one mailbox that a query matches. The mailbox is closed when the next one is asked for. */
export interface FoundMessages {
  readonly name: string
  readonly mailbox: Mailbox
  readonly uids: readonly number[]
}

export interface FindOptions {
  readonly mode: 'read-only' | 'read-write'
  /** Hears of mailboxes that cannot be opened or searched; the others are. */
  readonly onFailure: (name: string, error: unknown) => void
  readonly signal: AbortSignal
}

/** Mailbox by mailbox what a query matches, also where it matches nothing. */
export async function* findMessages(
  store: MailStore,
  query: Query,
  options: FindOptions,
): AsyncGenerator<FoundMessages> {
  for (const { name, separator } of await mailboxesFor(store, query)) {
    let mailbox: Mailbox | undefined
    try {
      try {
        mailbox = await store.open(name, options.mode)
      } catch (error) {
        options.onFailure(name, error)
        continue
      }
      const uids = await search(mailbox, separator, query, options.signal)
      if (uids !== undefined) yield { name, mailbox, uids }
    } finally {
      await mailbox?.close()
    }
  }
}

async function search(
  mailbox: Mailbox,
  separator: string,
  query: Query,
  signal: AbortSignal,
): Promise<readonly number[] | undefined> {
  await mailbox.sync({ expunge: true, look: 'now' })
  const compiled = compileQuery(
    query,
    { name: mailbox.name, separator, guid: mailbox.guid },
    await savedDates(mailbox, query),
  )
  if (compiled === 'nothing') return undefined
  const { numbers } = await runSearch({ mailbox, checkAlive: () => signal.throwIfAborted() }, compiled)
  return numbers.map((number) => mailbox.message(number).uid)
}

async function savedDates(mailbox: Mailbox, query: Query): Promise<ReadonlyMap<number, number>> {
  if (!asksSaved(query)) return new Map()
  return await mailbox.savedDates(Array.from({ length: mailbox.count }, (_, at) => mailbox.message(at + 1).uid))
}

/** Those that exist and may match, INBOX first, and those that the query names though they do not exist. */
async function mailboxesFor(
  store: MailStore,
  query: Query,
): Promise<readonly { readonly name: string; readonly separator: string }[]> {
  const entries = await listAll(store, namedMailboxes(query))
  const known = new Set(entries.map(({ name }) => name))
  const found = entries.filter((entry) => mayMatch(query, entry.name, entry.namespace.separator))
  const missing = namedMailboxes(query).filter((name) => !known.has(name))
  const separator = store.namespaces.find(({ inbox }) => inbox)?.separator ?? '/'
  return [
    ...found.map(({ name, namespace }) => ({ name, separator: namespace.separator })),
    ...missing.map((name) => ({ name, separator })),
  ]
}

/** All mailboxes, those of namespaces that LIST hides too when they are asked for by name. */
export async function listAll(store: MailStore, names: readonly string[] = []): Promise<readonly MailboxEntry[]> {
  const entries = new Map<string, MailboxEntry>()
  for (const entry of await store.list(['*', ...names]))
    if (entry.selectable && entry.existing) entries.set(entry.name, entry)
  return [...entries.values()].sort(compareEntries)
}

/** INBOX first, then by name. */
export function compareEntries({ name: a }: { readonly name: string }, { name: b }: { readonly name: string }): number {
  if (a === b) return 0
  if (a === 'INBOX') return -1
  return b === 'INBOX' || a > b ? 1 : -1
}

/** Whether a mailbox is not there. */
export function isMissing(error: unknown): boolean {
  return error instanceof StoreRefusal && error.code === 'not-found'
}
