// A namespace and where its ACL files lie.
import { dirname, relative } from 'node:path'
import type { MailboxDirectories, MailLocation } from '../storage/formats/format.ts'
import type { Viewer } from './identifier.ts'
import type { Inheritance } from './settings.ts'

/** One namespace of one user's mail, as ACLs see it. Storage names have levels joined with `/`, `INBOX`, and no prefix. */
export interface AclNamespace {
  readonly type: 'private' | 'shared' | 'public'
  /** With variables filled in: `shared/alice@example.org/`. */
  readonly prefix: string
  readonly separator: string
  /** Whose mail it is; `undefined` in public namespaces. */
  readonly owner: string | undefined
  /** What users call its INBOX: `INBOX`, `shared/alice@example.org`, `Public/INBOX`. */
  readonly inboxName: string
  readonly inherit: Inheritance
  /** Every user has his own \Seen (`INDEXPVT`). */
  readonly hasPrivateSeen: boolean
  readonly places: AclPlaces
  /** Storage names of all mailboxes that can be selected, whoever may see them. */
  mailboxes(): Promise<readonly string[]>
}

/** Who asks: the user whose name entries are matched with, his groups, and who logged in. */
export interface AclIdentity {
  /** `acl_user`, master user or login user; `undefined`: anonymous. */
  readonly user: string | undefined
  readonly loginUser: string
  readonly groups: ReadonlySet<string>
}

export interface AclPlaces {
  /** The directory of a mailbox's dovecot-acl; `undefined`: it can have none. */
  directory(storageName: string): string | undefined
  /** The directory whose dovecot-acl is the namespace's default; `undefined`: that file belongs to INBOX. */
  readonly defaults: string | undefined
  /** The directory of dovecot-acl-list. */
  readonly list: string
  /** The name in dovecot-acl-list: as it is on disk, `foo.bar` in Maildir++. */
  listName(storageName: string): string
  /** Between the levels of global file names in the old style. */
  readonly storageSeparator: string
}

export const ACL_FILE_NAME = 'dovecot-acl'
export const ACL_LIST_FILE_NAME = 'dovecot-acl-list'

/**
 * The places of a mail location. ACL files lie among the mails; where a mailbox is a file, in its control directory.
 * `hasInbox`: INBOX is in this namespace (`inbox=yes`, or somebody else's mail).
 */
export function locateAcls(
  location: MailLocation,
  directories: (storageName: string) => MailboxDirectories,
  hasInbox: boolean,
): AclPlaces {
  const isFile = location.format === 'mbox'
  const directory = (name: string): string => (isFile ? directories(name).control : directories(name).mail)
  const list = listDirectory(location)
  const isInboxRoot = hasInbox && directory('INBOX') === list
  const isMaildirPlusPlus = location.format === 'maildir' && location.layout === 'maildir++'
  return {
    directory,
    list,
    defaults: isInboxRoot ? undefined : list,
    storageSeparator: isMaildirPlusPlus ? '.' : '/',
    listName(name) {
      if (name === 'INBOX' && hasInbox) return name
      const path = relative(list, location.format.endsWith('dbox') ? dirname(directory(name)) : directory(name))
      if (isMaildirPlusPlus) return path.slice(1)
      return isFile || location.layout === 'index' ? name : path
    },
  }
}

function listDirectory({ format, path, controlPath, options }: MailLocation): string {
  if (format === 'mbox') return controlPath ?? `${path}/.imap`
  return format.endsWith('dbox') ? `${path}/${options.get('MAILBOXDIR') ?? 'mailboxes'}` : path
}

/** The identity in this namespace. */
export function viewerIn({ type, owner }: AclNamespace, { user, groups }: AclIdentity): Viewer {
  return { user, groups, isOwner: type === 'private' && user !== undefined && user === owner }
}

/** The name users know. The default object has none. */
export function virtualName({ prefix, separator, inboxName }: AclNamespace, storageName: string): string {
  if (storageName === '') return ''
  if (storageName === 'INBOX') return inboxName
  return prefix + storageName.replaceAll('/', separator)
}

/** Names above this one, the nearest first. */
export function* ancestors(storageName: string): Generator<string> {
  for (let at = storageName.lastIndexOf('/'); at > 0; at = storageName.lastIndexOf('/', at - 1))
    yield storageName.slice(0, at)
}
