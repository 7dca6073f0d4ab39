import type { MailTask } from '../../../admin/commands/mail/mail-admin.ts'
import { StoreRefusal } from '../../../storage/refusal.ts'
import type { MailStore } from '../../../storage/store.ts'
import { findMessages } from './find-messages.ts'
import { parseQuery } from './query.ts'
import type { TaskContext } from './task-context.ts'

type ImportTask = Extract<MailTask, { kind: 'import' }>

/** Messages that are copied at once. */
const BATCH = 200

/** Mail that is imported: by itself, and among the user's own. */
export interface ImportSource {
  /** With names as they are there. */
  readonly store: MailStore
  /** Of these names in the user's store. */
  readonly prefix: string
  readonly separator: string
}

/** Copies what a query matches into mailboxes of the same names below another one, which are made. */
export async function importMessages(context: TaskContext, task: ImportTask): Promise<void> {
  const { imported, failures, signal, nowMs } = context
  if (imported === undefined) throw new Error('an import without a source')
  const onFailure = (name: string, error: unknown): void => failures.add(`Syncing mailbox ${name} failed`, error)
  const query = parseQuery(task.query, nowMs)
  for await (const { name, uids } of findMessages(imported.store, query, { mode: 'read-only', onFailure, signal })) {
    if (uids.length === 0) continue
    const to = targetName(context.store, imported, task.parent, name)
    if (!(await failures.attempt(`Couldn't create mailbox ${to}`, async () => await createUnlessThere(context, to))))
      continue
    if (task.subscribe)
      await failures.attempt(`Couldn't subscribe to mailbox ${to}`, async () => await context.store.subscribe(to, true))
    await failures.attempt(`Copying messages from '${name}' failed`, async () => {
      await copyAll(context, imported.prefix + name, uids, to)
    })
  }
}

async function createUnlessThere({ store }: TaskContext, name: string): Promise<void> {
  try {
    await store.create(name)
  } catch (error) {
    if (!(error instanceof StoreRefusal && error.code === 'exists')) throw error
  }
}

async function copyAll(
  { store, signal, progress }: TaskContext,
  from: string,
  uids: readonly number[],
  to: string,
): Promise<void> {
  const mailbox = await store.open(from, 'read-only')
  try {
    await mailbox.sync({ expunge: true, look: 'cached' })
    for (let at = 0; at < uids.length; at += BATCH) {
      signal.throwIfAborted()
      await mailbox.copy(uids.slice(at, at + BATCH), to)
      if (uids.length > BATCH) progress(Math.min(at + BATCH, uids.length), uids.length)
    }
  } finally {
    await mailbox.close()
  }
}

/** A name with the separators of where it goes. */
function targetName({ namespaces }: MailStore, { separator }: ImportSource, parent: string, name: string): string {
  const place = parent === '' ? name : parent
  const best = namespaces
    .filter(({ prefix, list, inbox }) => (list !== 'no' || inbox) && place.startsWith(prefix))
    .toSorted((one, other) => other.prefix.length - one.prefix.length)[0]
  const levels = name.split(separator)
  const own = best?.separator ?? separator
  return parent === '' ? levels.join(own) : [parent, ...levels].join(own)
}
