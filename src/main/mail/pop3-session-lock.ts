import { mkdirSync } from 'node:fs'
import { hostname } from 'node:os'
import { type Dotlock, lockFile } from '../../storage/formats/maildir/dotlock.ts'
import { permissionsOf } from '../../storage/formats/maildir/permissions.ts'
import type { MailLocation } from '../../storage/formats/format.ts'
import { StoreRefusal } from '../../storage/refusal.ts'

/** Dovecot's POP3_LOCK_FNAME, without the `.lock`. */
const LOCK_NAME = 'dovecot-pop3-session'
/** Dovecot's POP3_SESSION_DOTLOCK_TIMEOUT_SECS and its stale timeout. */
const WAIT_MS = 10_000
const STALE_MS = 5 * 60_000
/** A session that lives shows it. */
const TOUCH_MS = 60_000

/**
 * Keeps other POP3 sessions of a user out, Dovecot's too, as `pop3_lock_session` says; resolves with what lets them in again.
 * Waits ten seconds for one that is there. Throws StoreRefusal, `in-use` when that one stays.
 */
export async function lockPop3Session(
  { path, indexPath }: MailLocation,
  log: (level: 'warning', text: string) => void,
  waitMs = WAIT_MS,
): Promise<() => void> {
  const directory = indexPath ?? path
  mkdirSync(directory, { recursive: true, mode: 0o700 })
  const lock = await lockFile(`${directory}/${LOCK_NAME}`, {
    hostname: hostname(),
    timeoutMs: waitMs,
    staleMs: STALE_MS,
    permissions: () => permissionsOf(directory),
  })
  if (lock === undefined) throw new StoreRefusal('in-use', 'Mailbox is locked by another POP3 session.')
  return holding(lock, log)
}

function holding(lock: Dotlock, log: (level: 'warning', text: string) => void): () => void {
  const timer = setInterval(() => lock.touch(), TOUCH_MS).unref()
  return () => {
    clearInterval(timer)
    if (!lock.release()) log('warning', `Our dotlock file ${lock.path} was overridden`)
  }
}
