import type { MailTask } from '../../../admin/commands/mail/mail-admin.ts'
import type { Mailbox } from '../../../storage/store.ts'
import { matchesMask } from './compile-query.ts'
import { findMessages, listAll } from './find-messages.ts'
import { parseQuery } from './query.ts'
import type { TaskContext } from './task-context.ts'

type Task<Kind extends MailTask['kind']> = Extract<MailTask, { kind: Kind }>

export async function showPath(
  { directories, row, failures }: TaskContext,
  { mailbox, type }: Task<'mailbox-path'>,
): Promise<void> {
  await failures.attempt(`Failed to lookup mailbox ${mailbox} path`, async () => {
    const path = (await directories(mailbox)).get(type)
    if (path !== undefined) await row([path])
  })
}

/** Messages that are described between two words about how far it is. */
const BATCH = 200

/** Describes all messages; what the index knows already costs little. */
export async function indexMailboxes(context: TaskContext, { mask, maxRecent }: Task<'index'>): Promise<void> {
  const { store, failures } = context
  const entries = await listAll(store, [mask])
  for (const { name, namespace } of entries) {
    if (!matchesMask(mask, name, namespace.separator)) continue
    await failures.attempt(`Mailbox ${name}: Indexing failed`, async () => {
      if (maxRecent !== undefined && (await store.status(name)).recent > maxRecent) return
      const mailbox = await store.open(name, 'read-only')
      try {
        await indexMailbox(context, mailbox)
      } finally {
        await mailbox.close()
      }
    })
  }
}

async function indexMailbox({ progress, signal }: TaskContext, mailbox: Mailbox): Promise<void> {
  await mailbox.sync({ expunge: true, look: 'now' })
  const uids = uidsOf(mailbox)
  for (let at = 0; at < uids.length; at += BATCH) {
    for await (const _ of mailbox.summaries(uids.slice(at, at + BATCH))) signal.throwIfAborted()
    progress(Math.min(at + BATCH, uids.length), uids.length)
  }
}

function uidsOf(mailbox: Mailbox): readonly number[] {
  return Array.from({ length: mailbox.count }, (_, index) => mailbox.message(index + 1).uid)
}

/** The first of those that are the same stays. */
export async function deduplicate(
  context: TaskContext,
  { query: words, byMessageId }: Task<'deduplicate'>,
): Promise<void> {
  const { store, failures, signal, nowMs, progress } = context
  const onFailure = (name: string, error: unknown): void => failures.add(`Mailbox ${name}: Mailbox sync failed`, error)
  const query = parseQuery(words, nowMs)
  for await (const { name, mailbox, uids } of findMessages(store, query, { mode: 'read-write', onFailure, signal })) {
    await failures.attempt(`Mailbox ${name}`, async () => {
      const keys = byMessageId ? await messageIds(mailbox, uids) : guids(mailbox, uids)
      const doomed = repeated(uids, keys)
      for (let at = 0; at < doomed.length; at += BATCH) {
        await mailbox.remove(doomed.slice(at, at + BATCH))
        progress(Math.min(at + BATCH, doomed.length), doomed.length)
      }
    })
  }
}

function repeated(uids: readonly number[], keys: ReadonlyMap<number, string>): readonly number[] {
  const seen = new Set<string>()
  return uids.filter((uid) => {
    const key = keys.get(uid)
    if (key === undefined || key === '') return false
    const isKnown = seen.has(key)
    seen.add(key)
    return isKnown
  })
}

function guids(mailbox: Mailbox, uids: readonly number[]): ReadonlyMap<number, string> {
  return new Map(uids.map((uid) => [uid, mailbox.identity(uid)?.guid ?? '']))
}

/** Those without one are like no other. */
async function messageIds(mailbox: Mailbox, uids: readonly number[]): Promise<ReadonlyMap<number, string>> {
  const found = new Map<number, string>()
  for await (const some of mailbox.headers(uids))
    for (const [uid, one] of some) found.set(uid, one.field('message-id')?.trim() ?? '')
  return found
}
