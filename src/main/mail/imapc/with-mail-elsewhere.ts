import type { MailTask } from '../../../admin/commands/mail/mail-admin.ts'
import type { ClientIdentity } from '../../../protocols/protocol.ts'
import type { MailSession } from '../../../protocols/mail-session.ts'
import type { RemoteMail } from '../../../protocols/remote-mail.ts'
import { openStoreWithoutClient } from '../../../protocols/imap/server/remote/store-without-client.ts'
import type { MailUser } from '../../../storage/user/mail-user.ts'
import type { DeliveryOrder, TaskOrder } from '../mail-order.ts'
import type { OpenUserStore } from '../open-user-store.ts'

/** Commands that also work on mailboxes of other servers. The others would have to read what lies there. */
const TASKS_ELSEWHERE: ReadonlySet<MailTask['kind']> = new Set([
  'mailbox-list',
  'mailbox-status',
  'mailbox-create',
  'mailbox-delete',
  'mailbox-rename',
  'mailbox-subscribe',
  'save',
])

export function reachesElsewhere(order: DeliveryOrder | TaskOrder): boolean {
  return order.kind === 'delivery' || TASKS_ELSEWHERE.has(order.task.kind)
}

/** Hops that servers may ask each other: those of a client that just came. */
const TTL = 5
const HERE = '127.0.0.1'

/** Who asks other servers when no client does. */
export function identityOf({ session, localIp, remoteIp }: DeliveryOrder | TaskOrder): ClientIdentity {
  return {
    session,
    local: { ip: localIp || HERE, port: 0 },
    remote: { ip: remoteIp || HERE, port: 0 },
    ttl: TTL,
    forward: new Map(),
  }
}

/** A user's mail, and what of it other servers keep. */
export function withMailElsewhere(
  open: OpenUserStore,
  remote: RemoteMail,
  {
    user,
    order,
    log,
  }: {
    readonly user: MailUser
    readonly order: DeliveryOrder | TaskOrder
    readonly log: MailSession['log']
  },
): OpenUserStore {
  const { store, leave } = openStoreWithoutClient(
    {
      user: user.user,
      store: open.store,
      settings: user.settings,
      identity: identityOf(order),
      hostname: order.hostname,
      tlsActive: false,
      plugins: user.plugins,
      signal: new AbortController().signal,
      log,
    },
    remote,
  )
  return {
    ...open,
    store,
    async close() {
      leave()
      await open.close()
    },
  }
}
