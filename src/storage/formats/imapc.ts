import { StoreRefusal } from '../refusal.ts'
import type { FormatStore, MailFormat, MailLocation } from './format.ts'

/** Where the mail of an owner is who is routed to another server: what the databases say of him. Plain data. */
export interface OwnerServer {
  /** A name or an address; the certificate is checked against it. */
  readonly host: string
  /** Connect here, whatever `host` resolves to. */
  readonly hostip?: string
  readonly port?: number
  /** Absent: `imapc_ssl` and `imapc_ssl_verify`. */
  readonly tls?: 'imaps' | 'starttls'
  readonly anyCert?: boolean
  /** His name there, when it is another. */
  readonly destuser?: string
}

/** The name in `mail_location`: mail on another IMAP server. */
export const IMAPC = 'imapc'

/** The location of an owner whom the databases send to another server. */
export function ownerLocation(server: OwnerServer): MailLocation {
  return { ...NOWHERE, server }
}

const NOWHERE: MailLocation = {
  format: IMAPC,
  path: '',
  layout: 'fs',
  inboxPath: undefined,
  indexPath: undefined,
  indexPrivatePath: undefined,
  controlPath: undefined,
  options: new Map(),
}

/**
 * Mailboxes on another IMAP server. Those who reach them do so by themselves, over a connection each (`protocols/imap/server/remote`);
 * whoever comes here is told where it is possible.
 */
export function imapcFormat(): MailFormat {
  return { name: IMAPC, open: () => ELSEWHERE }
}

const refuse = (): Promise<never> =>
  Promise.reject(new StoreRefusal('cannot', 'Mailbox is on another server: this can be done there only'))

const ELSEWHERE: FormatStore = {
  list: () => Promise.resolve([]),
  subscriptions: () => Promise.resolve([]),
  subscribe: refuse,
  create: refuse,
  delete: refuse,
  rename: refuse,
  open: refuse,
  // Nobody looks for files there.
  directories: (name) => ({
    mail: `/nonexistent/${IMAPC}/${name}`,
    control: `/nonexistent/${IMAPC}`,
    index: undefined,
  }),
}
