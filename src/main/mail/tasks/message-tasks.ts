import type { MailTask } from '../../../admin/commands/mail/mail-admin.ts'
import { type Mailbox, READ_CHUNK_BYTES } from '../../../storage/store.ts'
import { type FetchedMessage, type FetchField, fetchFields } from './fetch-fields.ts'
import { findMessages, isMissing } from './find-messages.ts'
import { parseFlags } from './parse-flags.ts'
import { parseQuery } from './query.ts'
import type { TaskContext } from './task-context.ts'

type Task<Kind extends MailTask['kind']> = Extract<MailTask, { kind: Kind }>

/** Messages that are looked up, or changed, at once. */
const BATCH = 200

export async function searchMessages(context: TaskContext, { query: words }: Task<'search'>): Promise<void> {
  const { store, failures, signal, nowMs } = context
  const onFailure = (name: string, error: unknown): void => failures.add(`Couldn't get mailbox '${name}' GUID`, error)
  const query = parseQuery(words, nowMs)
  for await (const { mailbox, uids } of findMessages(store, query, { mode: 'read-only', onFailure, signal })) {
    for (const uid of uids) await context.row([mailbox.guid, String(uid)])
  }
}

export async function fetchMessages(
  context: TaskContext,
  { fields: text, query: words }: Task<'fetch'>,
): Promise<void> {
  const { store, failures, signal, nowMs } = context
  const fields = fetchFields(text)
  // As Dovecot does, nothing is said of a mailbox that is not there.
  const onFailure = (name: string, error: unknown): void =>
    isMissing(error) ? undefined : failures.add(`Mailbox ${name}: Fetching failed`, error)
  const query = parseQuery(words, nowMs)
  for await (const { name, mailbox, uids } of findMessages(store, query, { mode: 'read-only', onFailure, signal })) {
    for (const batch of batchesOf(uids)) await fetchBatch(context, name, mailbox, fields, batch)
  }
}

async function fetchBatch(
  context: TaskContext,
  name: string,
  mailbox: Mailbox,
  fields: readonly FetchField[],
  uids: readonly number[],
): Promise<void> {
  const needs = new Set(fields.map((field) => field.needs))
  const summaries = new Map<number, FetchedMessage['summary']>()
  if (needs.has('summary'))
    for await (const some of mailbox.summaries(uids)) for (const [uid, one] of some) summaries.set(uid, one)
  const received = needs.has('received') ? await mailbox.internalDates(uids) : NO_DATES
  const saved = needs.has('saved') ? await mailbox.savedDates(uids) : NO_DATES
  for (const uid of uids) {
    context.signal.throwIfAborted()
    const sequence = mailbox.sequenceOf(uid)
    const message = mailbox.message(sequence)
    if (message.expunged) continue
    await context.failures.attempt(`Mailbox ${name}: UID ${uid}: Fetching failed`, async () => {
      const bytes = needs.has('bytes') ? await readMessage(mailbox, uid) : NO_BYTES
      const fetched: FetchedMessage = {
        user: context.user,
        name,
        mailbox,
        sequence,
        message,
        receivedMs: received.get(uid),
        savedMs: saved.get(uid),
        summary: summaries.get(uid),
        bytes,
      }
      await context.row(fields.map((field) => field.text(fetched) ?? ''))
    })
  }
}

const NO_BYTES = Buffer.alloc(0)
const NO_DATES: ReadonlyMap<number, number> = new Map()

async function readMessage(mailbox: Mailbox, uid: number): Promise<Buffer> {
  const stored = await mailbox.openMessage(uid)
  try {
    const chunks: Buffer[] = []
    for (let at = 0; at < stored.sizeBytes; at += READ_CHUNK_BYTES)
      chunks.push(await stored.read(at, Math.min(stored.sizeBytes, at + READ_CHUNK_BYTES)))
    return Buffer.concat(chunks)
  } finally {
    stored.close()
  }
}

export async function changeFlags(context: TaskContext, { mode, flags, query }: Task<'flags'>): Promise<void> {
  const change = { mode, ...parseFlags(flags) }
  await forEach(context, query, async (mailbox, uids) => {
    await mailbox.store(uids, change, { silent: true })
  })
}

export async function expungeMessages(context: TaskContext, { query, deleteEmpty }: Task<'expunge'>): Promise<void> {
  const empty: string[] = []
  const work = async (mailbox: Mailbox, uids: readonly number[]): Promise<void> => await mailbox.remove(uids)
  await forEach(context, query, work, "Syncing mailbox '%s' failed", async (name, mailbox) => {
    await mailbox.sync({ expunge: true, look: 'now' })
    if (deleteEmpty && mailbox.count === 0 && name !== 'INBOX') empty.push(name)
  })
  for (const name of empty) {
    await context.failures.attempt(`Mailbox ${name}: Failed to delete`, async () => await context.store.delete(name))
  }
}

export async function transferMessages(context: TaskContext, task: Task<'copy' | 'move'>): Promise<void> {
  const { store, source, failures } = context
  const { to, query, kind } = task
  try {
    await store.status(to)
  } catch (error) {
    failures.add(`Can't open mailbox '${to}'`, error)
    return
  }
  await forEach({ ...context, store: source ?? store }, query, async (mailbox, uids) => {
    if (source === undefined) {
      await (kind === 'copy' ? mailbox.copy(uids, to) : mailbox.move(uids, to))
      return
    }
    await copyAcross(mailbox, uids, store, to)
    if (kind === 'move') await mailbox.remove(uids)
  })
}

/** From one user's mail into another's: nothing is shared but the bytes. */
async function copyAcross(
  mailbox: Mailbox,
  uids: readonly number[],
  store: TaskContext['store'],
  to: string,
): Promise<void> {
  const dates = await mailbox.internalDates(uids)
  const appending = await store.beginAppend(to)
  try {
    for (const uid of uids) {
      const { bits, keywords } = mailbox.message(mailbox.sequenceOf(uid)).flags
      const internalDateMs = dates.get(uid)
      const bytes = await readMessage(mailbox, uid)
      const when = internalDateMs === undefined ? undefined : { internalDateMs }
      await appending.begin({ bits, keywords, sizeBytes: bytes.length, ...when })
      await appending.write(bytes)
      await appending.end()
    }
    await appending.commit()
  } catch (error) {
    await appending.abort()
    throw error
  }
}

export async function saveMessage({ store, failures, input }: TaskContext, { mailbox }: Task<'save'>): Promise<void> {
  let appending: Awaited<ReturnType<typeof store.beginAppend>>
  try {
    appending = await store.beginAppend(mailbox)
  } catch (error) {
    failures.add(`Failed to open mailbox ${mailbox}`, error)
    return
  }
  await failures.attempt(`Mailbox ${mailbox}: Saving mail`, async () => {
    try {
      await appending.begin({ bits: 0, keywords: [] })
      for await (const chunk of input) await appending.write(chunk)
      await appending.end()
      await appending.commit()
    } catch (error) {
      await appending.abort()
      throw error
    }
  })
}

/** Does something with everything a query matches, some messages at a time. `failed`: what it says where a mailbox cannot be opened. */
async function forEach(
  context: TaskContext,
  words: readonly string[],
  work: (mailbox: Mailbox, uids: readonly number[]) => Promise<void>,
  failed = 'Mailbox %s: Mailbox sync failed',
  done?: (name: string, mailbox: Mailbox) => Promise<void>,
): Promise<void> {
  const { store, failures, signal, nowMs, progress } = context
  const onFailure = (name: string, error: unknown): void => failures.add(failed.replace('%s', name), error)
  const query = parseQuery(words, nowMs)
  for await (const { name, mailbox, uids } of findMessages(store, query, { mode: 'read-write', onFailure, signal })) {
    let count = 0
    for (const batch of batchesOf(uids)) {
      signal.throwIfAborted()
      if (!(await failures.attempt(`Mailbox ${name}`, async () => await work(mailbox, batch)))) break
      count += batch.length
      if (uids.length > BATCH) progress(count, uids.length)
    }
    await done?.(name, mailbox)
  }
}

function* batchesOf(uids: readonly number[]): Generator<readonly number[]> {
  for (let at = 0; at < uids.length; at += BATCH) yield uids.slice(at, at + BATCH)
}

/** Dovecot's words for a query that could remove more than was meant. */
export function refuseAccident({
  mailbox,
  other,
}: {
  readonly mailbox: boolean
  readonly other: boolean
}): string | undefined {
  if (!mailbox) return 'expunge: To avoid accidents, search query must contain MAILBOX in all search branches'
  if (!other)
    return 'expunge: To avoid accidents, each branch in search query must contain something else besides MAILBOX (e.g. just add "all" if you want everything)'
  return undefined
}
