import type { ByteStream } from '../net/byte-stream.ts'
import type { StoreNamespace } from '../storage/store.ts'

/** Mailboxes of a user's namespaces that another IMAP server keeps (`imapc`). Who speaks to it is the protocol's affair. */
export interface RemoteMail {
  /** Where the mailbox of this name is; `undefined`: here, or nowhere. */
  locate(name: string): Promise<RemotePlace | undefined>
  /** Everything elsewhere in which there may be mailboxes that match one of the patterns. */
  places(patterns: readonly string[]): Promise<readonly RemotePlace[]>
}

/** Mailboxes under one prefix on one other server: a namespace, or what one owner shares. */
export interface RemotePlace {
  readonly namespace: StoreNamespace
  /** With the owner's name in a shared namespace: `shared/joe/`. Unique within a session. */
  readonly prefix: string
  /** Whose mail it is, in a shared namespace. */
  readonly owner: string | undefined
  /** What its INBOX is called here: `shared/joe`, `INBOX`, `Old/INBOX`. */
  readonly inboxName: string
  /** `imapc_list_prefix`: the part of the other server's names that is not shown. */
  readonly listPrefix: string
  /** For logs: `mail2.example.org:143`. */
  readonly server: string
  /** `imapc_cmd_timeout`. */
  readonly answerMs: number
  /** A connection that is logged in. Rejects with RemoteUnavailable; the log has the reason. */
  connect(signal: AbortSignal): Promise<ByteStream>
}

/** The other server cannot be reached, or does not let us in. */
export class RemoteUnavailable extends Error {
  override readonly name = 'RemoteUnavailable'
  /** It is there, and does not let this user in as this owner. */
  readonly isRefusal: boolean

  constructor(message: string, { isRefusal, cause }: { readonly isRefusal: boolean; readonly cause?: unknown }) {
    super(message, { cause })
    this.isRefusal = isRefusal
  }
}
