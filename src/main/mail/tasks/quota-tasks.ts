import { StoreRefusal } from '../../../storage/refusal.ts'
import type { TaskContext } from './task-context.ts'

/** `-` is no limit. */
const UNLIMITED = '-'

export async function showQuota({ quota, row, failures }: TaskContext): Promise<void> {
  if (quota === undefined) return noQuota(failures)
  for (const { name, storage, messages } of await quota.usage()) {
    await row([name, 'STORAGE', ...numbers(Math.ceil(storage.used / KB), Math.ceil(storage.limit / KB))])
    await row([name, 'MESSAGE', ...numbers(messages.used, messages.limit)])
  }
}

const KB = 1024

function numbers(used: number, limit: number): readonly string[] {
  if (limit === 0) return [String(used), UNLIMITED, '0']
  return [String(used), String(limit), String(Math.trunc((used * 100) / limit))]
}

export async function recalculateQuota({ quota, failures }: TaskContext): Promise<void> {
  if (quota === undefined) return noQuota(failures)
  await failures.attempt('Failed to recalculate quota', async () => await quota.recount())
}

function noQuota(failures: TaskContext['failures']): void {
  failures.add('quota', new StoreRefusal('cannot', 'the user has no quota: mail_plugins and plugin { quota } set one'))
}
