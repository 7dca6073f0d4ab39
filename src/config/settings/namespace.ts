import { boolean, duration, enumeration, list, optional, string, uint } from '../setting.ts'

/** A `namespace [NAME] {}` block. */
export const namespaceRows = {
  name: string('', 'Label for logs and for userdb fields.'),
  type: enumeration(['private', 'shared', 'public'], 'Whose mail it holds.'),
  separator: string('', 'Hierarchy separator; empty is that of the storage.'),
  prefix: string('', 'Start of the names of its mailboxes.'),
  location: string('', 'Where its mail is; empty is `mail_location`. Also called `mail` and `mail_location`.'),
  alias_for: optional(string('', 'Prefix of the namespace that this one shows again.')),
  inbox: boolean('no', 'Whether INBOX is here.'),
  hidden: boolean('no', 'Leave it out of NAMESPACE.'),
  list: enumeration(['yes', 'no', 'children'], 'Show its mailboxes in LIST.'),
  subscriptions: boolean('yes', 'Keep its own subscriptions.'),
  ignore_on_failure: boolean('no', 'Go on without it when it cannot be opened.'),
  disabled: boolean('no', 'Leave it out.'),
  order: uint('0', 'Place in NAMESPACE.'),
} as const

/** A `mailbox NAME {}` block in a namespace. */
export const mailboxRows = {
  name: string('', 'Name of the mailbox.'),
  auto: enumeration(['no', 'create', 'subscribe'], 'Create it, and subscribe to it, when missing.'),
  special_use: list('', 'Uses such as \\Sent or \\Trash.', ' '),
  driver: string('', 'Storage format, when it differs.'),
  comment: string('', 'Comment, for METADATA.'),
  autoexpunge: duration('0', 'Remove messages older than this; 0 keeps all.'),
  autoexpunge_max_mails: uint('0', 'Remove the oldest messages above this number; 0 keeps all.'),
} as const
