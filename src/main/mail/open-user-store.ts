import { readAclSettings, aclUserName } from '../../acl/settings.ts'
import { type AclSession, openAclSession } from '../../acl/session.ts'
import { quotaRootsOf } from '../../delivery/quota/quota-root.ts'
import { UserQuota } from '../../delivery/quota/user-quota.ts'
import { MailLog } from '../../storage/mail-log/mail-log.ts'
import { readMailLogSettings } from '../../storage/mail-log/mail-log-settings.ts'
import { withMailLog } from '../../storage/mail-log/with-mail-log.ts'
import { openStore, type OwnMailStore, type StoreOptions } from '../../storage/open-store.ts'
import { Places } from '../../storage/places.ts'
import { StoredMail } from '../../storage/quota-files.ts'
import { StoreRefusal } from '../../storage/refusal.ts'
import type { MailStore } from '../../storage/store.ts'
import type { MailUser } from '../../storage/user/mail-user.ts'
import { runScript } from '../scripts/run-script.ts'
import type { AclShares } from './acl-shares.ts'
import type { GrantSweep } from './grant-sweeps.ts'
import type { MailOrder } from './mail-order.ts'
import type { OpenStoreContext } from './store-context.ts'

export interface UserStoreNeeds {
  readonly user: MailUser
  readonly order: MailOrder
  /** `imap`, `pop3`, `lmtp`, `doveadm`. */
  readonly service: string
  readonly purpose: 'session' | 'delivery'
  readonly context: OpenStoreContext
  readonly acl: AclShares
  /** Whether the userdb knows a user; also when it does not answer. */
  readonly isUser: (user: string) => Promise<boolean>
  readonly log: StoreOptions['log']
}

/** A user's mail with everything that the configuration puts around it. */
export interface OpenUserStore {
  readonly store: MailStore
  readonly quota: UserQuota | undefined
  readonly stored: StoredMail
  /** For an administrator's work, whatever the rights are. */
  readonly update: OwnMailStore['update']
  close(): Promise<void>
}

/** Opens a user's mail with the quota and the rights that `mail_plugins` asks for. Throws StoreRefusal. */
export async function openUserStore(needs: UserStoreNeeds): Promise<OpenUserStore> {
  const { user, context, log, purpose } = needs
  const mail: StoreOptions = { user: user.user, namespaces: user.namespaces, settings: user.settings, context, log }
  const plain: StoreOptions = { ...mail, places: new Places(mail) }
  const stored = new StoredMail(plain)
  const quota = user.plugins.has('quota') ? openQuota(needs, plain, stored) : undefined
  const limited = quota === undefined ? plain : { ...plain, quota: quota.hook }
  const session = user.plugins.has('acl') ? await openAcl(needs, limited) : undefined
  const mailLog = openMailLog(user, log)
  const noticed = mailLog === undefined ? limited : { ...limited, notice: mailLog }
  const opened = openStore(session === undefined ? noticed : { ...noticed, owners: () => session.owners() })
  const logged = mailLog === undefined ? opened : withMailLog(opened, mailLog)
  const store = session?.see(logged, purpose) ?? logged
  const comparing = quota?.hook.compareFlags().catch((error: unknown) => log('error', `quota: ${String(error)}`))
  const sweep = session === undefined || purpose === 'delivery' ? undefined : beginSweep(needs, session)
  return {
    store,
    quota: quota?.hook,
    stored,
    update: (name, changes) => opened.update(name, changes),
    async close() {
      await sweep?.end()
      await store.close()
      await comparing
      await quota?.counted.close()
    },
  }
}

function beginSweep({ user, acl, log }: UserStoreNeeds, session: AclSession): GrantSweep {
  const complain = (error: unknown): void =>
    log('error', `acl: daily sweep: ${error instanceof Error ? error.message : String(error)}`)
  return acl.sweeps.begin(user.user, () => session.sweep(), complain)
}

/** Dovecot's plugin mail_log; the plugin notify, which it needs there, does nothing by itself. */
function openMailLog({ plugins, plugin }: MailUser, log: StoreOptions['log']): MailLog | undefined {
  if (!plugins.has('mail_log')) return undefined
  return new MailLog(
    readMailLogSettings(plugin, (text) => log('error', text)),
    (line) => log('info', line),
  )
}

function openQuota(
  { user: { plugin, settings }, context, purpose, log }: UserStoreNeeds,
  plain: StoreOptions,
  files: StoredMail,
): { readonly hook: UserQuota; readonly counted: MailStore } | undefined {
  const roots = quotaRootsOf(plugin, (text) => log('error', `quota: ${text}`))
  if (roots.length === 0) return undefined
  const counted = openStore(plain)
  const hook = new UserQuota({
    roots,
    store: counted,
    files,
    plugin,
    isDelivery: purpose === 'delivery',
    now: () => context.now(),
    runScript: (words) => runScript(words, settings.base_dir, (text) => log('error', text)),
    complain: (text) => log('error', text),
  })
  return { hook, counted }
}

async function openAcl(
  { user, order, service, context, acl, isUser, log }: UserStoreNeeds,
  storeOptions: StoreOptions,
): Promise<AclSession | undefined> {
  const read = readAclSettings(user.plugin)
  if (read.kind === 'off') return undefined
  if (read.kind === 'fault') throw new StoreRefusal('temporary', read.log)
  const { settings } = read
  const fields = new Map(order.fields)
  const masterUser = fields.get('master_user') ?? (order.kind === 'session' ? order.masterUser : undefined)
  const actor = { user: user.user, service, remote_ip: order.remoteIp, session: order.session }
  return await openAclSession({
    settings,
    identity: { user: aclUserName(settings, masterUser, user.user), loginUser: user.user, groups: settings.groups },
    storeOptions,
    files: acl.files,
    dict: acl.dict(settings.sharedDict, (text) => log('error', `acl: ${text}`)),
    audit: acl.audit(settings.auditLog),
    actor: masterUser === undefined ? actor : { ...actor, master_user: masterUser },
    isUser,
    now: () => context.now(),
    log,
  })
}
