import { statSync } from 'node:fs'
import type { Config } from '../../config/config.ts'
import { compileTemplate, mailShortNames } from '../../config/expand.ts'
import { createDelivery } from '../../delivery/delivery.ts'
import { INBOX } from '../../delivery/target-mailbox.ts'
import type { LogLevel, Observer } from '../../observe/events.ts'
import { TICKET_KEY_BYTES, TlsContextCache } from '../../net/tls-cache.ts'
import type { ClientIdentity } from '../../protocols/protocol.ts'
import type { RemoteMail } from '../../protocols/remote-mail.ts'
import { backendContexts } from '../../proxy/backend-tls.ts'
import { createResolver } from '../../proxy/resolve.ts'
import { aclSessionOf } from '../../acl/session.ts'
import type { NamespaceSpec } from '../../storage/namespace.ts'
import { openStore } from '../../storage/open-store.ts'
import { StoreRefusal } from '../../storage/refusal.ts'
import { MailUserError } from '../../storage/user/mail-user-error.ts'
import {
  type MailSystem,
  type MailUser,
  type MailUserInput,
  resolveMailUser,
  variablesOf as lookupOf,
} from '../../storage/user/mail-user.ts'
import { afterAt, beforeAt } from '../../util/user-name.ts'
import { type AclShares, openAclShares } from './acl-shares.ts'
import type { ImapcDialing } from './imapc/dial-imapc.ts'
import { imapcNamespaces, mayHaveMailElsewhere, openImapcMail } from './imapc/imapc-mail.ts'
import { identityOf, reachesElsewhere, withMailElsewhere } from './imapc/with-mail-elsewhere.ts'
import { KnownUsers } from './known-users.ts'
import type { MailHost, OpenDelivery, OpenSession, OpenTask } from './mail-host.ts'
import { type DeliveryOrder, identityFrom, type MailOrder, type SessionOrder, type TaskOrder } from './mail-order.ts'
import { importNamespace } from './import-source.ts'
import { logPrefix } from './log-prefix.ts'
import { rememberOwners } from './owner-memory.ts'
import { lockPop3Session } from './pop3-session-lock.ts'
import { type OpenUserStore, openUserStore } from './open-user-store.ts'
import type { OpenStoreContext } from './store-context.ts'
import type { ImportSource } from './tasks/import-task.ts'

export interface MailHostNeeds {
  /** The newest configuration: sessions keep the one they begin with. */
  readonly config: () => Config
  readonly observer: Observer
  readonly context: OpenStoreContext
  /** Home of a user, of whom the system's accounts know. */
  readonly systemHome: (name: string) => string | undefined
  /** What the userdbs say of another user, for shared namespaces. */
  readonly lookupOwner: MailUserInput['lookupOwner']
}

/** Opens mail with the rights this process has. */
export function openMailHost(needs: MailHostNeeds): MailHost {
  return new Host(needs)
}

class Host implements MailHost {
  readonly #needs: MailHostNeeds
  readonly #system: MailSystem
  readonly #acl: AclShares
  readonly #dialing: ImapcDialing
  readonly #users: KnownUsers
  /** One memory for all sessions. */
  readonly #lookupOwner: MailUserInput['lookupOwner']

  constructor(needs: MailHostNeeds) {
    this.#needs = needs
    this.#lookupOwner = rememberOwners(needs.lookupOwner)
    this.#users = new KnownUsers((user) => needs.lookupOwner(user, false))
    this.#acl = openAclShares(needs.observer, () => needs.config().dict)
    this.#dialing = {
      resolver: createResolver({ observer: needs.observer }),
      // Towards other servers nobody needs keys for session tickets.
      tlsContext: backendContexts(new TlsContextCache(Buffer.alloc(TICKET_KEY_BYTES))),
    }
    this.#system = {
      formats: new Set(needs.context.formats.keys()),
      systemHome: needs.systemHome,
      isDirectory: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
    }
  }

  async openSession(order: SessionOrder, signal: AbortSignal): Promise<OpenSession> {
    const log = this.#logOf(order, order.protocol)
    const user = this.#resolve(order, order.protocol)
    const open = await this.#openSessionStore(user, order, log)
    const { hostname: name, tlsActive } = order
    const identity = identityFrom(order.identity)
    const remote = order.protocol === 'imap' ? this.#remoteMail(user, order, { open, identity, log }) : undefined
    const session = {
      user: user.user,
      store: open.store,
      settings: user.settings,
      identity,
      hostname: name,
      tlsActive,
      reply: order.reply,
      plugins: user.plugins,
      signal,
      ...(remote === undefined ? {} : { remote }),
      log,
    }
    return { session, close: () => open.close() }
  }

  /** POP3 sessions may keep each other out. */
  async #openSessionStore(user: MailUser, order: SessionOrder, log: SessionLog): Promise<OpenUserStore> {
    const open = await this.#open(user, order, order.protocol, 'session', log)
    const location = user.namespaces.find(({ inbox }) => inbox)?.location
    if (order.protocol !== 'pop3' || !user.settings.pop3_lock_session || typeof location !== 'object') return open
    try {
      // It has a directory then.
      await open.store.status('INBOX')
      const unlock = await lockPop3Session(location, log)
      return {
        ...open,
        async close() {
          unlock()
          await open.close()
        },
      }
    } catch (error) {
      await open.close()
      throw error
    }
  }

  async openDelivery(order: DeliveryOrder): Promise<OpenDelivery> {
    const { service } = order
    const log = this.#logOf(order, service)
    const user = this.#resolve(order, service)
    const { settings } = user
    const detail = settings.lmtp_save_to_detail_mailbox && order.detail !== '' ? order.detail : INBOX
    const mailbox = order.mailbox ?? detail
    const { from, to } = order
    const open = this.#elsewhere(await this.#open(user, order, service, 'delivery', log), user, order, log)
    const { store, quota } = open
    try {
      // Already at RCPT, where the size is not known: a full mailbox takes nothing.
      if (service === 'lmtp' && settings.lmtp_rcpt_check_quota)
        await quota?.check(mailbox, { messages: 1, sizeBytes: 0 })
    } catch (error) {
      await open.close()
      throw error
    }
    const recipientHeader = order.isOriginalUnknown === true ? settings.lda_original_recipient_header : ''
    const delivery = createDelivery({ store, settings, mailbox, from, to, recipientHeader, log })
    return { delivery, close: () => open.close() }
  }

  async openTask(order: TaskOrder): Promise<OpenTask> {
    const log = this.#logOf(order, DOVEADM)
    const user = this.#resolve(order, DOVEADM)
    const spec = order.task.kind === 'import' ? this.#importNamespace(order, order.task.location) : undefined
    const namespaces = spec === undefined ? user.namespaces : [...user.namespaces, spec]
    const opened = await this.#open({ ...user, namespaces }, order, DOVEADM, 'session', log)
    const own = this.#elsewhere(opened, user, order, log)
    const imported = spec && this.#openImported(spec, user, log)
    try {
      const source =
        spec === undefined && order.source ? await this.#openSource({ ...order, ...order.source }, log) : undefined
      return {
        store: own.store,
        quota: own.quota,
        directories: (name) => own.stored.directories(name),
        update: own.update,
        source: source?.store,
        imported,
        logFault: (error) =>
          log('error', `BUG: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`),
        async close() {
          await own.close()
          await source?.close()
          await imported?.store.close()
        },
      }
    } catch (error) {
      await own.close()
      throw error
    }
  }

  /** Where a task finds mail to import, filled in for the user or for another one. */
  #importNamespace(order: TaskOrder, location: string): NamespaceSpec {
    const asked = { ...order, ...order.source }
    const { home, settings } = this.#resolve(asked, DOVEADM)
    const input = { ...asked, service: DOVEADM, fields: new Map(asked.fields), variables: variablesOf(asked) }
    const expanded = compileTemplate(location, mailShortNames).expand(lookupOf(input, settings, home))
    return importNamespace(expanded, { ...this.#system, home })
  }

  #openImported(spec: NamespaceSpec, { user, settings }: MailUser, log: SessionLog): ImportSource {
    const { prefix, separator } = spec
    const namespaces = [{ ...spec, prefix: '', list: 'yes', hidden: false, subscriptions: true } as const]
    const store = openStore({ user, namespaces, settings, context: this.#needs.context, log })
    return { store, prefix, separator }
  }

  async #openSource(order: TaskOrder, log: SessionLog): Promise<OpenUserStore> {
    return await this.#open(this.#resolve(order, DOVEADM), order, DOVEADM, 'session', log)
  }

  async close(): Promise<void> {
    await this.#needs.context.close()
  }

  /** Mailboxes on other servers. Who shares any is known by `acl_shared_dict`. */
  #remoteMail(
    user: MailUser,
    order: MailOrder,
    {
      open: { store },
      identity,
      log,
    }: { readonly open: OpenUserStore; readonly identity: ClientIdentity; readonly log: SessionLog },
  ): RemoteMail | undefined {
    const { context } = this.#needs
    const { settings, home, namespaces } = user
    if (imapcNamespaces(namespaces, settings).length === 0) return undefined
    const service = order.kind === 'session' ? order.protocol : order.kind === 'delivery' ? order.service : DOVEADM
    const input = { ...order, service, fields: new Map(order.fields), variables: variablesOf(order) }
    const asker = {
      user: user.user,
      identity,
      hostname: order.hostname,
      settings,
      variables: lookupOf(input, settings, home),
      dialing: this.#dialing,
      log,
    }
    const options = { user: user.user, namespaces, settings, context, log }
    return openImapcMail(options, asker, async () => (await aclSessionOf(store)?.owners()) ?? [])
  }

  /** The same mail, and for those who can do without reading it what other servers keep of it. */
  #elsewhere(open: OpenUserStore, user: MailUser, order: DeliveryOrder | TaskOrder, log: SessionLog): OpenUserStore {
    if (!reachesElsewhere(order)) return open
    const remote = this.#remoteMail(user, order, { open, identity: identityOf(order), log })
    return remote === undefined ? open : withMailElsewhere(open, remote, { user, order, log })
  }

  #resolve(order: MailOrder, service: string): MailUser {
    const { localIp, remoteIp, user, fields } = order
    return saying(() =>
      resolveMailUser({
        config: this.#needs.config(),
        filter: { protocol: service, localIp, remoteIp },
        service,
        user,
        fields: new Map(fields),
        variables: variablesOf(order),
        system: this.#system,
        lookupOwner: this.#lookupOwner,
      }),
    )
  }

  async #open(
    user: MailUser,
    order: MailOrder,
    service: string,
    purpose: 'session' | 'delivery',
    log: SessionLog,
  ): Promise<OpenUserStore> {
    const { context } = this.#needs
    // Whom this server does not know another one may.
    const isEverybody = mayHaveMailElsewhere(user.settings)
    const isUser = async (name: string): Promise<boolean> => isEverybody || (await this.#users.isUser(name))
    return await openUserStore({ user, order, service, purpose, context, acl: this.#acl, isUser, log })
  }

  /** Lines as Dovecot's mail processes write them: `imap(joe)<4711><session>: `. */
  #logOf(order: MailOrder, service: string): SessionLog {
    const { session, user, localIp, remoteIp, fields } = order
    const { observer } = this.#needs
    const settings = this.#needs.config().settings({ protocol: service, localIp, remoteIp })
    const prefix = logPrefix(
      { service, user, session, fields: new Map(fields), variables: variablesOf(order) },
      settings,
    )
    return (level, text) => observer.log(level, prefix, text)
  }
}

const DOVEADM = 'doveadm'

/** %variables of a session that mail processes know besides their own. */
function variablesOf(order: MailOrder): ReadonlyMap<string, string> {
  const { localIp, remoteIp, session, user } = order
  const authUser = (order.kind === 'session' ? order.masterUser : undefined) ?? user
  return new Map([
    ['lip', localIp],
    ['rip', remoteIp],
    ['session', session],
    ['auth_user', authUser],
    ['auth_username', beforeAt(authUser)],
    ['auth_domain', afterAt(authUser)],
  ])
}

type SessionLog = (level: Extract<LogLevel, 'debug' | 'info' | 'warning' | 'error'>, text: string) => void

/** What is wrong with a user's settings is for the log of whoever asked. */
function saying<Value>(work: () => Value): Value {
  try {
    return work()
  } catch (error) {
    if (error instanceof MailUserError) throw new StoreRefusal('temporary', error.message, { cause: error })
    throw error
  }
}
