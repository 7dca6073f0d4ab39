// Everything ACLs mean for one session, put together from its settings.
import type { StoreOptions } from '../storage/open-store.ts'
import type { MailStore } from '../storage/store.ts'
import { AclAccess } from './access.ts'
import type { AclFiles } from './acl-files.ts'
import { type AclLine, parseAclLine, writeAclLine } from './acl-line.ts'
import type { AclActor, AclAuditLog, AclAuditRecord } from './audit-log.ts'
import { VfileBackend } from './backends/vfile.ts'
import { DoveadmAcl } from './doveadm/commands.ts'
import { expireGrants } from './expire-grants.ts'
import { openGlobalAcl } from './global.ts'
import { identifierText, type Identifier } from './identifier.ts'
import { AclCommands, type NamedMailbox } from './imap/commands.ts'
import { type AclIdentity, type AclNamespace, virtualName } from './namespace.ts'
import { type AclSettings, inheritanceIn } from './settings.ts'
import { type AclNamespaces, storeNamespaces } from './store-namespaces.ts'
import { withAcl } from './store.ts'
import type { IsUser } from './visibility/ghosts.ts'
import type { SharedDict } from './visibility/shared-dict.ts'
import { AclVisibility } from './visibility/visibility.ts'

export interface AclSessionNeeds {
  readonly settings: AclSettings
  readonly identity: AclIdentity
  /** Of the store that will be seen through this session. */
  readonly storeOptions: StoreOptions
  /** One per process. */
  readonly files: AclFiles
  /** `acl_shared_dict`, opened; one per process and URI. */
  readonly dict: SharedDict | undefined
  readonly audit: AclAuditLog | undefined
  /** Whether the userdb knows a user; also when it does not answer. */
  readonly isUser?: IsUser
  readonly actor: AclActor
  /** Milliseconds since 1970. */
  readonly now: () => number
  readonly log: (level: 'info' | 'warning' | 'error', text: string) => void
}

export interface AclSession {
  readonly access: AclAccess
  readonly namespaces: AclNamespaces
  readonly visibility: AclVisibility
  /** GETACL and the others. */
  readonly commands: AclCommands
  readonly doveadm: DoveadmAcl
  /** Takes grants that have ended out of the user's own mail, and tells how many there were. */
  expireGrants(): Promise<number>
  /** What is to be done once in a while: that, and users who are no more are forgotten. */
  sweep(): Promise<void>
  /** For `StoreOptions.owners`. */
  owners(): Promise<readonly string[]>
  /** The store with its rights checked; `aclSessionOf` finds this session by it. */
  see(store: MailStore, purpose: 'session' | 'delivery'): MailStore
  /** A mailbox as a client names it; `undefined`: in no namespace. Throws StoreRefusal for names that cannot be. */
  find(name: string): Promise<NamedMailbox | undefined>
}

const sessions = new WeakMap<MailStore, AclSession>()

/** The ACL session behind a store; `undefined`: `acl` is not set for its user. */
export function aclSessionOf(store: MailStore): AclSession | undefined {
  return sessions.get(store)
}

/** Opens a session. What it reads, it reads when it is asked. */
export async function openAclSession(needs: AclSessionNeeds): Promise<AclSession> {
  const { settings, files, now, log, identity, dict } = needs
  const global = await openGlobalAcl(settings.globalPath, {
    files,
    cacheMs: settings.cacheMs,
    isStrict: settings.isStrict,
  })
  const backend = new VfileBackend({ settings, global, files, now })
  const access = new AclAccess({ backend, identity, ignoredNamespaces: settings.ignoredNamespaces })
  const namespaces = storeNamespaces(needs.storeOptions, (name) => inheritanceIn(settings, name))
  const visibility = new AclVisibility({
    backend,
    dict,
    now,
    log,
    ...(needs.isUser !== undefined && { isUser: needs.isUser }),
  })
  const refresh = async (namespace: AclNamespace): Promise<void> => {
    // Without local files there is nothing to list, and no right to write any.
    if (!settings.globalsOnly) await visibility.refresh(namespace)
  }
  const audit = auditor(needs)
  let seenStore: MailStore | undefined
  const session: AclSession = {
    access,
    namespaces,
    visibility,
    commands: new AclCommands({
      access,
      allowsAnyone: settings.allowsAnyone,
      log,
      async onChange({ namespace, mailbox }, change, update) {
        await audit({ namespace, mailbox }, change.identifier, update)
        await refresh(namespace)
      },
    }),
    doveadm: new DoveadmAcl({
      access,
      visibility,
      onChange: ({ namespace, mailbox }, change, update) => audit({ namespace, mailbox }, change.identifier, update),
    }),
    expireGrants: () => expireOwn(needs, session, refresh),
    async sweep() {
      await session.expireGrants()
      await visibility.forgetGhosts(identity)
      const own = namespaces.own.find(({ type, inboxName }) => type === 'private' && inboxName === 'INBOX')
      if (own !== undefined && dict !== undefined && !settings.globalsOnly) await visibility.recalculate(own)
    },
    owners: () => visibility.owners(identity),
    see(store, purpose) {
      seenStore = store
      const seen = withAcl(store, {
        access,
        namespaces,
        purpose,
        log,
        now,
        onChange: ({ namespace }) => refresh(namespace),
        onInherit: (target, lines) => auditCopies(auditor(needs, 'copy'), target, lines),
      })
      sessions.set(seen, session)
      return seen
    },
    find: (name) => findMailbox(namespaces, name, () => seenStore?.status('INBOX')),
  }
  return session
}

async function expireOwn(
  needs: AclSessionNeeds,
  { namespaces, access }: AclSession,
  refresh: (namespace: AclNamespace) => Promise<void>,
): Promise<number> {
  const audit = auditor({ ...needs, actor: { ...needs.actor, service: 'expiry' } }, 'expire')
  let count = 0
  for (const namespace of namespaces.own) {
    if (namespace.type !== 'private') continue
    let isChanged = false
    for await (const { mailbox, line } of expireGrants(namespace, access.backend)) {
      count += 1
      isChanged = true
      const parsed = parseAclLine(line, false)
      if (parsed.kind === 'line')
        await audit({ namespace, mailbox }, parsed.line.identifier, { before: [line], after: [] })
    }
    if (isChanged) await refresh(namespace)
  }
  return count
}

async function findMailbox(
  namespaces: AclNamespaces,
  typed: string,
  makeInbox: () => Promise<unknown> | undefined,
): Promise<NamedMailbox | undefined> {
  const target = await namespaces.resolve(typed.toUpperCase() === 'INBOX' ? 'INBOX' : typed)
  if (target === undefined) return undefined
  const { namespace, mailbox } = target
  const isThere = (await namespace.mailboxes()).includes(mailbox)
  // The user's own INBOX is made by whoever asks for it first; entries need a mailbox around them.
  const isOwnInbox = mailbox === 'INBOX' && namespace.inboxName === 'INBOX'
  if (isOwnInbox && !isThere) await makeInbox()
  return { ...target, typed, isSelectable: isOwnInbox || isThere }
}

/** One record for each identifier, as for every other change. */
async function auditCopies(
  audit: Audit,
  at: { readonly namespace: AclNamespace; readonly mailbox: string },
  lines: readonly AclLine[],
): Promise<void> {
  const identifiers = new Map(lines.map(({ identifier }) => [identifierText(identifier), identifier]))
  for (const [text, identifier] of identifiers) {
    const own = lines.filter((line) => identifierText(line.identifier) === text)
    await audit(at, identifier, { before: [], after: own.map(writeAclLine) })
  }
}

interface Change {
  readonly before: readonly string[]
  readonly after: readonly string[]
}

type Audit = (
  at: { readonly namespace: AclNamespace; readonly mailbox: string },
  who: Identifier,
  change: Change,
) => Promise<void>

/** A change that cannot be recorded stays made; the log says that the record is missing. */
function auditor({ audit, actor, log }: AclSessionNeeds, action: AclAuditRecord['action'] = 'set'): Audit {
  return async ({ namespace, mailbox }, identifier, { before, after }) => {
    const what = { mailbox: virtualName(namespace, mailbox), owner: namespace.owner, id: identifierText(identifier) }
    try {
      await audit?.record({ ...actor, action, ...what, before, after })
    } catch (error) {
      log('error', `acl_audit_log: ${error instanceof Error ? error.message : String(error)}`)
    }
  }
}
