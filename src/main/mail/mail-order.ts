import type { MailTask } from '../../admin/commands/mail/mail-admin.ts'
import type { LoginReply } from '../../protocols/mail-session.ts'
import type { ClientIdentity, ProtocolName } from '../../protocols/protocol.ts'

/**
 * What is asked of whoever opens a user's mail, in this process or in one with the user's own rights. Plain data: it crosses
 * a socket as one line of JSON.
 */
export type MailOrder = SessionOrder | DeliveryOrder | TaskOrder

interface UserOrder {
  readonly user: string
  /** What the userdb said. */
  readonly fields: readonly (readonly [name: string, value: string])[]
  readonly hostname: string
  /** Where the settings for this connection are found. */
  readonly localIp: string
  readonly remoteIp: string
  /** Of the log's prefix: `imap(user)<pid><session>: `. */
  readonly session: string
}

export interface SessionOrder extends UserOrder {
  readonly kind: 'session'
  readonly protocol: ProtocolName
  readonly masterUser?: string
  readonly identity: PlainIdentity
  readonly tlsActive: boolean
  readonly reply: LoginReply
}

export interface DeliveryOrder extends UserOrder {
  readonly kind: 'delivery'
  readonly service: 'lmtp' | 'lda'
  /** Where the mail goes; without, to INBOX or where `detail` leads. */
  readonly mailbox?: string
  /** What follows the delimiter in the address, without it. */
  readonly detail: string
  /** Bare addresses. */
  readonly from: string
  readonly to: string
  /** Nobody told who the original recipient is: a header of the message may. */
  readonly isOriginalUnknown?: boolean
}

/** What an administrator wants done. */
export interface TaskOrder extends UserOrder {
  readonly kind: 'task'
  readonly task: MailTask
  /** The other user of a copy or move. */
  readonly source?: { readonly user: string; readonly fields: UserOrder['fields'] }
}

/** A ClientIdentity without its map. */
export interface PlainIdentity extends Omit<ClientIdentity, 'forward'> {
  readonly forward: readonly (readonly [name: string, value: string])[]
}

export function plainIdentity(identity: ClientIdentity): PlainIdentity {
  return { ...identity, forward: [...identity.forward] }
}

export function identityFrom(plain: PlainIdentity): ClientIdentity {
  return { ...plain, forward: new Map(plain.forward) }
}
