import type { MailTask } from '../../../admin/commands/mail/mail-admin.ts'
import { StoreRefusal } from '../../../storage/refusal.ts'
import type { MailboxStatus } from '../../../storage/store.ts'
import { encodeMutf7 } from '../../../util/mutf7.ts'
import { matchesMask } from './compile-query.ts'
import { compareEntries, listAll } from './find-messages.ts'
import { statusFields, type StatusField } from './status-fields.ts'
import type { TaskContext } from './task-context.ts'

type Task<Kind extends MailTask['kind']> = Extract<MailTask, { kind: Kind }>

export async function listMailboxes(
  { store, row }: TaskContext,
  { masks, subscribed, mutf7 }: Task<'mailbox-list'>,
): Promise<void> {
  const wanted = masks.length === 0 ? ['*'] : masks
  const entries = await store.list(wanted)
  const separators = new Map(entries.map(({ name, namespace }) => [name, namespace.separator]))
  const fallback = store.namespaces.find(({ inbox }) => inbox)?.separator ?? '/'
  const names = subscribed ? await store.subscriptions() : [...separators.keys()]
  for (const { name } of [...new Set(names)].map((one) => ({ name: one })).sort(compareEntries)) {
    const separator = separators.get(name) ?? fallback
    if (!wanted.some((mask) => matchesMask(mask, name, separator))) continue
    await row([mutf7 ? (encodeMutf7(name) ?? name) : name])
  }
}

export async function mailboxStatuses(
  context: TaskContext,
  { fields, masks, total }: Task<'mailbox-status'>,
): Promise<void> {
  const shown = statusFields(fields, total)
  const sums = new Map<StatusField, number>()
  for (const name of await namesFor(context, masks)) {
    await context.failures.attempt(`Mailbox ${name}: Failed to lookup mailbox status`, async () => {
      const status = await context.store.status(name)
      if (total) for (const field of shown) sums.set(field, (sums.get(field) ?? 0) + countOf(status, field))
      else await context.row([name, ...(await Promise.all(shown.map((field) => textOf(context, name, status, field))))])
    })
  }
  if (total) await context.row(shown.map((field) => String(sums.get(field) ?? 0)))
}

/** Mailboxes that masks name; a name without a mask must exist. */
async function namesFor({ store }: TaskContext, masks: readonly string[]): Promise<readonly string[]> {
  const plain = masks.filter((mask) => !/[*%]/.test(mask))
  const entries = await listAll(store, plain)
  const found = entries.filter(({ name, namespace }) =>
    masks.some((mask) => matchesMask(mask, name, namespace.separator)),
  )
  const names = new Set(found.map(({ name }) => name))
  for (const name of plain) if (![...names].some((one) => matchesMask(name, one, '/'))) names.add(name)
  return [...names]
}

function countOf(status: MailboxStatus, field: StatusField): number {
  const value = COUNTS[field]?.(status)
  return value === undefined ? 0 : value
}

const COUNTS: Readonly<Partial<Record<StatusField, (status: MailboxStatus) => number>>> = {
  messages: (status) => status.messages,
  recent: (status) => status.recent,
  uidnext: (status) => status.uidNext,
  uidvalidity: (status) => status.uidValidity,
  unseen: (status) => status.unseen,
  highestmodseq: (status) => status.highestModSeq,
  vsize: (status) => status.sizeBytes,
}

async function textOf(context: TaskContext, name: string, status: MailboxStatus, field: StatusField): Promise<string> {
  if (field === 'guid') return status.guid
  if (field === 'firstsaved') return await firstSaved(context, name)
  return String(countOf(status, field))
}

/** When the first message was saved, seconds since 1970. */
async function firstSaved({ store }: TaskContext, name: string): Promise<string> {
  const mailbox = await store.open(name, 'read-only')
  try {
    await mailbox.sync({ expunge: true, look: 'now' })
    if (mailbox.count === 0) return 'never'
    const { uid } = mailbox.message(1)
    const savedMs = (await mailbox.savedDates([uid])).get(uid)
    return savedMs === undefined ? 'never' : String(Math.floor(savedMs / 1000))
  } finally {
    await mailbox.close()
  }
}

export async function createMailboxes(
  { store, failures }: TaskContext,
  { names, subscribe }: Task<'mailbox-create'>,
): Promise<void> {
  for (const name of names) {
    await failures.attempt(`Can't create mailbox ${name}`, async () => {
      const { bare, directory } = directoryName(store.namespaces, name)
      await store.create(bare, { directory })
      if (subscribe) await store.subscribe(bare, true)
    })
  }
}

/** A name with the separator behind it is a directory. */
function directoryName(
  namespaces: TaskContext['store']['namespaces'],
  name: string,
): { readonly bare: string; readonly directory: boolean } {
  const separator =
    namespaces
      .filter(({ prefix }) => name.startsWith(prefix))
      .toSorted((left, right) => right.prefix.length - left.prefix.length)[0]?.separator ?? '/'
  const directory = name.length > separator.length && name.endsWith(separator)
  return { bare: directory ? name.slice(0, -separator.length) : name, directory }
}

export async function deleteMailboxes(
  { store, failures }: TaskContext,
  { names, unsubscribe, recursive, onlyEmpty }: Task<'mailbox-delete'>,
): Promise<void> {
  for (const given of names) {
    const below = recursive ? await childrenOf(store, given) : []
    for (const name of [...below, given]) {
      await failures.attempt(`Can't delete mailbox ${name}`, async () => {
        if (onlyEmpty && (await store.status(name)).messages > 0)
          throw new StoreRefusal('exists', "Mailbox isn't empty")
        await store.delete(name)
        if (unsubscribe) await store.subscribe(name, false)
      })
    }
  }
}

/** The deepest first. */
async function childrenOf(store: TaskContext['store'], name: string): Promise<readonly string[]> {
  const entries = await listAll(store)
  const below = entries.filter((entry) => entry.name.startsWith(`${name}${entry.namespace.separator}`))
  return below.map((entry) => entry.name).toSorted((left, right) => right.length - left.length)
}

export async function renameMailbox(
  { store, failures }: TaskContext,
  { from, to, subscribe }: Task<'mailbox-rename'>,
): Promise<void> {
  await failures.attempt(`Can't rename mailbox ${from} to ${to}`, async () => {
    await store.rename(from, to)
    if (!subscribe) return
    await store.subscribe(to, true)
    await store.subscribe(from, false)
  })
}

export async function subscribeMailboxes(
  { store, failures }: TaskContext,
  { names, subscribed }: Task<'mailbox-subscribe'>,
): Promise<void> {
  for (const name of names) {
    await failures.attempt(
      `Can't ${subscribed ? 'subscribe' : 'unsubscribe'} mailbox ${name}`,
      async () => await store.subscribe(name, subscribed),
    )
  }
}

export async function updateMailbox(
  { update, failures }: TaskContext,
  { mailbox, changes }: Task<'mailbox-update'>,
): Promise<void> {
  await failures.attempt(`Cannot update ${mailbox}`, async () => await update(mailbox, changes))
}

/** Opens mailboxes and looks at their files; what an index says of files that are not there is forgotten. */
export async function forceResync(
  { store, failures, progress }: TaskContext,
  { mask }: Task<'force-resync'>,
): Promise<void> {
  const entries = await listAll(store, [mask])
  const names = entries.filter(({ name, namespace }) => matchesMask(mask, name, namespace.separator))
  for (const [index, { name }] of names.entries()) {
    progress(index + 1, names.length)
    await failures.attempt(`Forcing a resync on mailbox ${name} failed`, async () => {
      const mailbox = await store.open(name, 'read-write')
      try {
        await mailbox.sync({ expunge: true, look: 'now' })
        await mailbox.sizes(Array.from({ length: mailbox.count }, (_, at) => mailbox.message(at + 1).uid))
      } finally {
        await mailbox.close()
      }
    })
  }
}
