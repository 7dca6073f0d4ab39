import type { MailStore } from '../../../storage/store.ts'
import { decodeMutf7, encodeMutf7 } from '../../../util/mutf7.ts'
import { quoted } from '../wire/argument-writer.ts'
import type { ImapSession } from './session.ts'
import { No } from './bad-command.ts'

/** The mailbox a client names. Throws the refusal for what is no name at all. RFC 3501 §5.1.3; INBOX in any case. */
export function mailboxName({ mail, store }: ImapSession, bytes: string): string {
  if (bytes.length === 5 && bytes.toUpperCase() === 'INBOX') return 'INBOX'
  const name = decodeMutf7(bytes)
  if (name === undefined) throw new No('Mailbox name is not valid mUTF-7')
  // Thunderbird asks for `a/` when it means `a`.
  const extra = mail.settings.imap_client_workarounds.includes('tb-extra-mailbox-sep')
  return extra && name.length > 1 && endsWithSeparator(store, name) ? name.slice(0, -1) : name
}

/** Ends with the separator of its namespace. */
export function endsWithSeparator({ namespaces }: MailStore, name: string): boolean {
  return namespaces.some(({ separator, prefix }) => name.startsWith(prefix) && name.endsWith(separator))
}

/** A mailbox's name as the client sees it: an atom where it can be one. */
export function mailboxText(name: string): string {
  return astringText(encodeMutf7(name) ?? '')
}

/** astring, from bytes that are printable ASCII. */
export function astringText(text: string): string {
  return text !== '' && ATOM.test(text) ? text : quoted(text)
}

/** Dovecot writes what is no NIL and has no special character as an atom. */
const ATOM = /^(?!nil$)[^\x00-\x20"%()*\\{\x7f-\uffff]+$/i
