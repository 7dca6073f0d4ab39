import type { AclChangeTask, AclTask } from '../../../admin/commands/mail/acl-task.ts'
import type { Column } from '../../../admin/output/printer.ts'
import type { AclChange } from '../../../acl/change.ts'
import { DoveadmAclFailure, type DoveadmMailbox } from '../../../acl/doveadm/commands.ts'
import { DoveadmAclUsage, parseDoveadmChange } from '../../../acl/doveadm/words.ts'
import { parseExpiry } from '../../../acl/expiry.ts'
import { virtualName } from '../../../acl/namespace.ts'
import { type AclSession, aclSessionOf } from '../../../acl/session.ts'
import { assertNever } from '../../../util/assert-never.ts'
import { aclDifferences, aclReach, aclVerify, aclWho, explainAcl } from './acl-questions.ts'
import type { TaskContext } from './task-context.ts'

const EX_USAGE = 64
const EX_NOTFOUND = 68

/** Does what was asked about rights; nobody's rights are checked: it is the administrator who asks. */
export async function runAclTask(context: TaskContext, task: AclTask): Promise<void> {
  const { failures, store, user } = context
  const acl = aclSessionOf(store)
  if (acl === undefined) return failures.say(`ACL not enabled for ${user}`, EX_NOTFOUND)
  try {
    await run(context, acl, task)
  } catch (error) {
    if (error instanceof DoveadmAclUsage) failures.say(error.message, EX_USAGE, 'Fatal')
    else if (error instanceof DoveadmAclFailure) failures.say(error.message, error.exitCode)
    else throw error
  }
}

async function run(context: TaskContext, acl: AclSession, task: AclTask): Promise<void> {
  switch (task.action) {
    case 'get': {
      const rows = await acl.doveadm.get(await findMailbox(acl, task.mailbox), task.onlyMatching)
      for (const { id, global, rights } of rows) await context.row([id, global, rights])
      return
    }
    case 'rights':
      return await context.row([await acl.doveadm.rights(await findMailbox(acl, task.mailbox))])
    case 'change':
      return await change(context, acl, task)
    case 'recalc':
      return await recalculate(acl)
    case 'debug':
      for (const [level, text] of await acl.doveadm.debug(await findMailbox(acl, task.mailbox))) {
        if (level === 'info') context.failures.inform(text)
        else context.failures.say(text, context.failures.status)
      }
      return
    case 'explain':
      return await explainAcl(context, acl, await findMailbox(acl, task.mailbox))
    case 'who':
      return await aclWho(context, acl, await findMailbox(acl, task.mailbox), task.people)
    case 'what':
      return await aclReach(context, acl)
    case 'verify':
      return await aclVerify(context, acl)
    case 'diff': {
      const wanted = parseDoveadmChange(task.mode, task.id, task.words)
      return await aclDifferences(context, acl, await findMailbox(acl, task.mailbox), wanted, task.people)
    }
    default:
      return assertNever(task)
  }
}

async function change(context: TaskContext, acl: AclSession, task: AclChangeTask): Promise<void> {
  const { mailbox, recursive, dryRun } = task
  const wanted = withEnd(parseDoveadmChange(task.mode, task.id, task.words), task.until)
  const found = await findMailbox(acl, mailbox)
  if (!recursive && !dryRun) {
    await acl.doveadm.change(found, wanted)
    return
  }
  const updates = await acl.doveadm.changeMany(found, wanted, { recursive, dryRun, nowMs: context.nowMs })
  for (const update of updates) {
    const name = virtualName(found.namespace, update.mailbox)
    if (update.kind === 'failure') context.failures.say(`${name}: ${update.log}`, 75)
    else if (update.isChanged) await context.row([name, update.before.join('; '), update.after.join('; ')])
  }
  if (updates.length === 0) context.failures.say(`Mailbox doesn't exist: ${mailbox}`, EX_NOTFOUND)
}

function withEnd(wanted: AclChange, until: string | undefined): AclChange {
  if (until === undefined) return wanted
  if (until === 'never') return { ...wanted, until }
  const atMs = parseExpiry(until)
  if (atMs === undefined) throw new DoveadmAclUsage(`Invalid time '${until}'`)
  return { ...wanted, until: atMs }
}

/** What is shared in the user's own mail, and in public mail. */
async function recalculate(acl: AclSession): Promise<void> {
  await acl.expireGrants()
  await acl.visibility.forgetGhosts(acl.access.identity)
  for (const namespace of acl.namespaces.own) {
    if (namespace.type !== 'shared') await acl.visibility.recalculate(namespace)
  }
}

async function findMailbox(acl: AclSession, name: string): Promise<DoveadmMailbox> {
  const named = await acl.find(name)
  if (named === undefined && (await acl.namespaces.isElsewhere(name)))
    throw new DoveadmAclFailure(EX_NOTFOUND, `Mailbox ${name} is on another server, which decides about its rights`)
  if (named === undefined)
    throw new DoveadmAclFailure(EX_NOTFOUND, `Can't open mailbox ${name}: Mailbox doesn't exist: ${name}`)
  const { namespace, mailbox, isSelectable } = named
  const path = namespace.places.directory(mailbox) ?? ''
  return { namespace, mailbox, exists: isSelectable, path, hasPrivateSeen: namespace.hasPrivateSeen }
}

/** Columns of what such a task shows; none for those that show nothing. */
export function aclColumns(task: AclTask): readonly Column[] {
  switch (task.action) {
    case 'get':
      return [column('ID'), column('Global'), column('Rights')]
    case 'rights':
      return [column('Rights')]
    case 'change':
      return task.recursive || task.dryRun ? [column('Mailbox'), column('Before'), column('After')] : []
    case 'explain':
      return ['Right', 'Letter', 'Granted', 'Decided', 'Lost'].map((title) => column(title))
    case 'who':
      return [column('Who'), column('Rights'), column('Owner')]
    case 'what':
      return [column('Mailbox'), column('Rights')]
    case 'verify':
      return [column('Where'), column('Problem'), column('What')]
    case 'diff':
      return [column('Mailbox'), column('Who'), column('Before'), column('After')]
    case 'recalc':
    case 'debug':
      return []
    default:
      return assertNever(task)
  }
}

function column(title: string): Column {
  return { key: title.toLowerCase(), title }
}
