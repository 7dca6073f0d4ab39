import type { FormatContext } from '../format.ts'
import { StoreRefusal } from '../../refusal.ts'
import { hasCode, type Syncing } from './disk.ts'
import { lockFile, type Dotlock, type DotlockOptions } from './dotlock.ts'
import { permissionsOf } from './permissions.ts'

/** Where one mailbox is, and what its parts work with. */
export interface MailboxPlace {
  /** Storage name, for texts. */
  readonly name: string
  /** Holds cur, new and tmp. */
  readonly mail: string
  /** Holds dovecot-uidlist and dovecot-keywords. */
  readonly control: string
  readonly context: FormatContext
  readonly syncing: Syncing
  readonly newUidValidity: () => number
}

/** Dovecot's MAILDIR_UIDLIST_LOCK_STALE_TIMEOUT, and two seconds more to wait. */
const STALE_MS = 120_000
const WAIT_MS = 122_000

/** A lock that is held long is touched this often, so that it does not look stale. */
const TOUCH_MS = 30_000

/** Runs something with the uidlist locked, which guards all changes of the mailbox. Refuses when others hold it too long. */
export async function withMailboxLock<T>(place: MailboxPlace, work: () => Promise<T>): Promise<T> {
  const lock = await lockMailbox(place)
  const timer = setInterval(() => lock.touch(), TOUCH_MS)
  timer.unref()
  try {
    return await work()
  } catch (error) {
    throw refusalWhenGone(error)
  } finally {
    clearInterval(timer)
    if (!lock.release()) place.context.log('warning', `Our dotlock file ${lock.path} was overridden`)
  }
}

/** How long a rename or a delete waits for who works on the mailbox. They do not depend on it: it is for the others' sake. */
const COURTESY_MS = 3_000

/**
 * Runs something that renames mailboxes away or deletes them while nobody works on them: a lock that moves with its directory
 * would not be found by its owner. Goes on without a lock that cannot be had soon.
 */
export async function withQuietMailboxes<T>(
  controls: readonly string[],
  context: FormatContext,
  work: () => T | Promise<T>,
): Promise<T> {
  const locks: Dotlock[] = []
  try {
    for (const control of controls) {
      const lock = await lockFile(`${control}/dovecot-uidlist`, lockOptions(control, context, COURTESY_MS)).catch(
        () => undefined,
      )
      if (lock !== undefined) locks.push(lock)
    }
    return await work()
  } finally {
    for (const lock of locks) lock.release()
  }
}

async function lockMailbox({ mail, control, context }: MailboxPlace): Promise<Dotlock> {
  const maxMs = context.settings.mail_max_lock_timeout
  const usual = lockOptions(control, context, maxMs > 0 ? Math.min(maxMs, WAIT_MS) : WAIT_MS)
  const options = control === mail ? { ...usual, spares: `${mail}/tmp` } : usual
  try {
    const lock = await lockFile(`${control}/dovecot-uidlist`, options)
    if (lock !== undefined) return lock
  } catch (error) {
    throw refusalWhenGone(error)
  }
  throw new StoreRefusal('temporary', 'Timeout while waiting for lock')
}

/** The refusal for an error that says that the mailbox's directory is gone; others as they are. */
export function refusalWhenGone(error: unknown): unknown {
  return hasCode(error, 'ENOENT')
    ? new StoreRefusal('not-found', 'Mailbox was deleted under us', { cause: error })
    : error
}

function lockOptions(control: string, { hostname }: FormatContext, timeoutMs: number): DotlockOptions {
  return { hostname, timeoutMs, staleMs: STALE_MS, permissions: () => permissionsOf(control) }
}
