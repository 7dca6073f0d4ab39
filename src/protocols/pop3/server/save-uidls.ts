import type { PopSession } from './pop-session.ts'

/** Keeps unique ids that are about to be told with their messages, for other servers and formats: `pop3_save_uidl`. */
export async function saveUidls(
  { mail, inbox: { mailbox } }: PopSession,
  uids: readonly number[],
  ids: readonly string[],
): Promise<void> {
  if (!mail.settings.pop3_save_uidl) return
  const unsaved = new Map<number, string>()
  for (const [at, uid] of uids.entries()) {
    const [id, identity] = [ids[at], mailbox.identity(uid)]
    if (id !== undefined && identity !== undefined && identity.pop3Uidl !== id) unsaved.set(uid, id)
  }
  if (unsaved.size === 0) return
  try {
    await mailbox.keepPop3Uidls(unsaved)
  } catch (error) {
    // They are told all the same: the next session tries again.
    mail.log('error', `Couldn't save UIDLs: ${error instanceof Error ? error.message : String(error)}`)
  }
}
