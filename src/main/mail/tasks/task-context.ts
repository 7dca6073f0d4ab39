import type { TaskNews } from '../../../admin/commands/mail/mail-admin.ts'
import type { UserQuota } from '../../../delivery/quota/user-quota.ts'
import { StoreRefusal, type RefusalCode } from '../../../storage/refusal.ts'
import type { OwnMailStore } from '../../../storage/open-store.ts'
import type { MailStore } from '../../../storage/store.ts'

import type { ImportSource } from './import-task.ts'

/** What a task works with. */
export interface TaskContext {
  readonly user: string
  readonly store: MailStore
  readonly quota: UserQuota | undefined
  /** Where a mailbox lies, by Dovecot's names of its directories. */
  readonly directories: (mailbox: string) => Promise<ReadonlyMap<string, string>>
  readonly update: OwnMailStore['update']
  /** Whose messages are copied, when they are another user's. */
  readonly source: MailStore | undefined
  readonly imported: ImportSource | undefined
  /** The message to save. */
  readonly input: AsyncIterable<Buffer>
  readonly nowMs: number
  readonly signal: AbortSignal
  /** Resolves when more rows may come. */
  readonly row: (values: readonly string[]) => void | Promise<void>
  readonly progress: (done: number, total: number) => void
  readonly failures: Failures
}

/** Dovecot's exit statuses for refusals. */
const STATUSES: Readonly<Record<RefusalCode, number>> = {
  'not-found': 68,
  exists: 65,
  'invalid-name': 64,
  cannot: 65,
  'has-children': 65,
  'no-permission': 77,
  'over-quota': 73,
  'read-only': 77,
  expunged: 65,
  'in-use': 75,
  limit: 65,
  temporary: 75,
}

const EX_TEMPFAIL = 75

/** What went wrong in a task that goes on all the same. */
export class Failures {
  status = 0
  readonly #say: (news: TaskNews) => void
  readonly #logFault: (error: unknown) => void

  constructor(say: (news: TaskNews) => void, logFault: (error: unknown) => void) {
    this.#say = say
    this.#logFault = logFault
  }

  /** `what: why`. A fault of ours is for the log too. */
  add(what: string, error: unknown): void {
    if (!(error instanceof StoreRefusal)) this.#logFault(error)
    const why = error instanceof Error ? error.message : String(error)
    this.say(what === '' ? why : `${what}: ${why}`, error instanceof StoreRefusal ? STATUSES[error.code] : EX_TEMPFAIL)
  }

  say(text: string, status: number, severity?: 'Info' | 'Fatal'): void {
    this.#say({ kind: 'error', text, ...(severity === undefined ? undefined : { severity }) })
    if (this.status !== EX_TEMPFAIL) this.status = status
  }

  /** Tells something that is no failure. */
  inform(text: string): void {
    this.#say({ kind: 'error', text, severity: 'Info' })
  }

  /** Does it, and tells what went wrong. */
  async attempt(what: string, work: () => Promise<void>): Promise<boolean> {
    try {
      await work()
      return true
    } catch (error) {
      this.add(what, error)
      return false
    }
  }
}
