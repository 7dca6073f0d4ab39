import { type MailTask, MailTaskError } from '../../../admin/commands/mail/mail-admin.ts'
import type { Column } from '../../../admin/output/printer.ts'
import { aclColumns, runAclTask } from './acl-tasks.ts'
import { branches } from './compile-query.ts'
import { fetchFields } from './fetch-fields.ts'
import { importMessages } from './import-task.ts'
import {
  createMailboxes,
  deleteMailboxes,
  forceResync,
  listMailboxes,
  mailboxStatuses,
  renameMailbox,
  subscribeMailboxes,
  updateMailbox,
} from './mailbox-tasks.ts'
import {
  changeFlags,
  expungeMessages,
  fetchMessages,
  refuseAccident,
  saveMessage,
  searchMessages,
  transferMessages,
} from './message-tasks.ts'
import { parseFlags } from './parse-flags.ts'
import { parseQuery } from './query.ts'
import { recalculateQuota, showQuota } from './quota-tasks.ts'
import { statusFields } from './status-fields.ts'
import type { TaskContext } from './task-context.ts'
import { deduplicate, indexMailboxes, showPath } from './upkeep-tasks.ts'
import { assertNever } from '../../../util/assert-never.ts'

/** Does what was asked; what went wrong is in `context.failures`. Rejects when the administrator leaves. */
export async function runTask(context: TaskContext, task: MailTask): Promise<void> {
  switch (task.kind) {
    case 'mailbox-list':
      return await listMailboxes(context, task)
    case 'mailbox-status':
      return await mailboxStatuses(context, task)
    case 'mailbox-create':
      return await createMailboxes(context, task)
    case 'mailbox-delete':
      return await deleteMailboxes(context, task)
    case 'mailbox-rename':
      return await renameMailbox(context, task)
    case 'mailbox-update':
      return await updateMailbox(context, task)
    case 'mailbox-subscribe':
      return await subscribeMailboxes(context, task)
    case 'search':
      return await searchMessages(context, task)
    case 'fetch':
      return await fetchMessages(context, task)
    case 'flags':
      return await changeFlags(context, task)
    case 'expunge':
      return await expungeMessages(context, task)
    case 'copy':
    case 'move':
      return await transferMessages(context, task)
    case 'import':
      return await importMessages(context, task)
    case 'save':
      return await saveMessage(context, task)
    case 'force-resync':
      return await forceResync(context, task)
    case 'mailbox-path':
      return await showPath(context, task)
    case 'index':
      return await indexMailboxes(context, task)
    case 'deduplicate':
      return await deduplicate(context, task)
    case 'purge':
      return
    case 'quota-get':
      return await showQuota(context)
    case 'quota-recalc':
      return await recalculateQuota(context)
    case 'acl':
      return await runAclTask(context, task.acl)
    default:
      return assertNever(task)
  }
}

/** Columns of what a task shows; none for those that show nothing. Throws MailTaskError when the task makes no sense. */
export function checkTask(task: MailTask, nowMs: number): { readonly columns: readonly Column[] } {
  if ('query' in task) parseQuery(task.query, nowMs)
  switch (task.kind) {
    case 'mailbox-list':
      return { columns: [hidden('mailbox')] }
    case 'mailbox-path':
      return { columns: [hidden('path')] }
    case 'mailbox-status': {
      const fields = statusFields(task.fields, task.total).map((key) => ({ key, title: key }))
      return { columns: task.total ? fields : [hidden('mailbox'), ...fields] }
    }
    case 'search':
      return { columns: [hidden('mailbox-guid'), hidden('uid')] }
    case 'fetch':
      return { columns: fetchFields(task.fields).map(({ column }) => column) }
    case 'flags':
      parseFlags(task.flags)
      return NOTHING
    case 'expunge': {
      const accident = refuseAccident(branches(parseQuery(task.query, nowMs)))
      if (accident !== undefined) throw new MailTaskError(accident, 64)
      return NOTHING
    }
    case 'mailbox-update': {
      const { minFirstRecentUid = 0, minNextUid = 0 } = task.changes
      if (minFirstRecentUid > minNextUid) throw new MailTaskError('min_first_recent_uid > min_next_uid', 65)
      return NOTHING
    }
    case 'quota-get':
      return { columns: QUOTA_COLUMNS }
    case 'acl':
      return { columns: aclColumns(task.acl) }
    default:
      return NOTHING
  }
}

const NOTHING = { columns: [] }

const QUOTA_COLUMNS: readonly Column[] = [
  { key: 'root', title: 'Quota name' },
  { key: 'type', title: 'Type' },
  { key: 'value', title: 'Value', alignRight: true },
  { key: 'limit', title: 'Limit', alignRight: true },
  { key: 'percent', title: '%', alignRight: true },
]

function hidden(key: string): Column {
  return { key, title: key, hideTitle: true }
}
