import { boolean, enumeration, ignored, list, string } from '../setting.ts'

/** POP3 after login. */
export const pop3Settings = {
  pop3_uidl_format: string('%08Xu%08Xv', 'Form of UIDL values.'),
  pop3_logout_format: string('top=%t/%p, retr=%r/%b, del=%d/%m, size=%s', 'What is logged when a session ends.'),
  pop3_no_flag_updates: boolean('no', 'Do not mark retrieved messages as seen.'),
  pop3_enable_last: boolean('no', 'Offer LAST.'),
  pop3_reuse_xuidl: boolean('no', 'Take UIDL from an X-UIDL header.'),
  pop3_lock_session: boolean('no', 'Lock the mailbox for the whole session.'),
  pop3_client_workarounds: list('', 'outlook-no-nuls, oe-ns-eoh.'),
  pop3_uidl_duplicates: enumeration(['allow', 'rename'], 'What to do with equal UIDL values.'),
  pop3_deleted_flag: string('', 'Flag that hides messages from POP3 in place of deleting them.'),
  pop3_delete_type: enumeration(['default', 'expunge', 'flag'], 'What deleting means.'),
  pop3_save_uidl: boolean('no', 'Keep UIDL values with messages, once they were told.'),
  pop3_fast_size_lookups: ignored('sizes are exact', boolean('no', 'Prefer fast sizes to right ones.')),
} as const
