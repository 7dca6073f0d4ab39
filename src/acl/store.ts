// The same mail, seen with somebody's rights. Every check of the server is behind `withAcl`.
import { DELETED } from '../storage/flags.ts'
import { StoreRefusal } from '../storage/refusal.ts'
import type {
  Appending,
  CopiedUids,
  CreateOptions,
  Mailbox,
  MailboxEntry,
  MailboxStatus,
  MailStore,
  QuotaRoot,
  StoreNamespace,
} from '../storage/store.ts'
import type { AclLine } from './acl-line.ts'
import { type AclAccess, type Judgement, rightsOrNone } from './access.ts'
import { isMet, type Need, NEEDS, type Operation } from './needs.ts'
import { hasLetter, NO_RIGHTS, type Rights } from './rights.ts'
import { AclAppending } from './store/acl-appending.ts'
import { AclMailbox } from './store/acl-mailbox.ts'
import { copyByHand } from './store/copy-by-hand.ts'
import { ALL_FLAGS, allowsAll, type FlagRights, flagRights } from './store/flag-rights.ts'
import { SeenList, shows } from './store/seen-list.ts'
import type { AclNamespaces, AclTarget } from './store-namespaces.ts'

export interface AclStoreOptions {
  readonly access: AclAccess
  readonly namespaces: AclNamespaces
  /** `delivery`: LDA, LMTP and Sieve store with `p`, and into the user's own INBOX in any case. */
  readonly purpose: 'session' | 'delivery'
  /** The set of mailboxes or their ACLs changed: what is remembered about visibility is old. */
  readonly onChange: (target: AclTarget) => Promise<void>
  /** A new mailbox has entries of those above it. */
  readonly onInherit?: (target: AclTarget, lines: readonly AclLine[]) => Promise<void>
  readonly log: (level: 'error', text: string) => void
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** The store with its rights checked. */
export function withAcl(store: MailStore, options: AclStoreOptions): MailStore {
  return new AclStore(store, options)
}

class AclStore implements MailStore {
  readonly user: string
  readonly namespaces: readonly StoreNamespace[]
  readonly #store: MailStore
  readonly #options: AclStoreOptions
  readonly #seen: SeenList

  constructor(store: MailStore, options: AclStoreOptions) {
    this.user = store.user
    this.namespaces = store.namespaces
    this.#store = store
    this.#options = options
    this.#seen = new SeenList(options, (name) => this.#target(name).catch(unlessRefusal))
  }

  async list(patterns: readonly string[]): Promise<readonly MailboxEntry[]> {
    return await this.#seen.visible(await this.#store.list(patterns), patterns)
  }

  /** Own subscriptions stay when rights go; those that others made do not show what may not be seen. */
  async subscriptions(): Promise<readonly string[]> {
    const names = await this.#store.subscriptions()
    const shown = await Promise.all(names.map((name) => this.#showsSubscription(name)))
    return names.filter((_, at) => shown[at])
  }

  async subscribe(name: string, subscribed: boolean): Promise<void> {
    if (subscribed) await this.#demand('subscribe', name)
    return await this.#store.subscribe(name, subscribed)
  }

  async create(name: string, options?: CreateOptions): Promise<void> {
    const target = await this.#target(name)
    const parent = target && (await this.#parentOf(target))
    if (target !== undefined && parent !== undefined) await this.#check(NEEDS.create, name, { parent })
    await this.#store.create(name, options)
    if (target === undefined || parent === undefined) return
    this.#forget(target)
    await this.#inherit(parent, target)
    await this.#options.onChange(target)
  }

  async delete(name: string): Promise<void> {
    const target = await this.#demand('delete', name)
    // Without looking first, whoever may delete could destroy mail that he may not expunge.
    if (!(await this.#may('deleteMail', name)) && (await this.#hasMail(name))) throw noPermission()
    await this.#store.delete(name)
    if (target === undefined) return
    this.#forget(target)
    await this.#options.onChange(target)
  }

  async rename(from: string, to: string): Promise<void> {
    const [source, target] = await Promise.all([this.#target(from), this.#target(to)])
    if (source !== undefined && target !== undefined) {
      checkRename(source, target)
      await this.#check(NEEDS.rename, from, { mailbox: source, 'target parent': await this.#parentOf(target) })
    }
    await this.#store.rename(from, to)
    // What was below it moved along.
    for (const { namespace } of [source, target].filter((one) => one !== undefined))
      this.#options.access.backend.forget(namespace)
    if (target !== undefined) await this.#options.onChange(target)
  }

  async status(name: string): Promise<MailboxStatus> {
    await this.#demand('status', name)
    return await this.#store.status(name)
  }

  async open(name: string, mode: 'read-only' | 'read-write'): Promise<Mailbox> {
    const target = await this.#demand('open', name)
    const rights = target === undefined ? NO_RIGHTS : await this.#rights(target)
    const isReadOnly = mode === 'read-only' || !isMet(NEEDS.openForChange[0], rights)
    const mailbox: Mailbox = await this.#store.open(name, isReadOnly ? 'read-only' : 'read-write')
    if (target === undefined) return mailbox
    return new AclMailbox({
      mailbox,
      rights,
      currentRights: () => this.#currentRights(target),
      copyInto: (uids, to, move) => this.#copy(mailbox, uids, to, move),
    })
  }

  async beginAppend(name: string): Promise<Appending> {
    const isDelivery = this.#options.purpose === 'delivery'
    // Whatever the owner did to his INBOX, mail for him goes there.
    if (isDelivery && isInbox(name)) return await this.#store.beginAppend(name)
    const target = await this.#demand(isDelivery ? 'deliver' : 'append', name)
    const appending = await this.#store.beginAppend(name)
    if (target === undefined) return appending
    const rights = await this.#rights(target)
    return new AclAppending(appending, { flags: flagRights(rights), tellsUids: isMet(NEEDS.learnUid[0], rights) })
  }

  quotaRoots(name: string): Promise<readonly QuotaRoot[]> {
    return this.#store.quotaRoots(name)
  }

  autoexpunge(): Promise<number> {
    return this.#store.autoexpunge()
  }

  close(): Promise<void> {
    return this.#store.close()
  }

  async #copy(from: Mailbox, uids: readonly number[], to: string, move: boolean): Promise<CopiedUids> {
    const target = await this.#demand('append', to)
    const rights = target === undefined ? NO_RIGHTS : await this.#rights(target)
    const flags: FlagRights = target === undefined ? ALL_FLAGS : flagRights(rights)
    const copied = allowsAll(flags)
      ? await (move ? from.move(uids, to) : from.copy(uids, to))
      : await this.#copyByHand(from, uids, { name: to, flags }, move)
    return target === undefined || isMet(NEEDS.learnUid[0], rights) ? copied : { ...copied, target: [] }
  }

  async #copyByHand(
    from: Mailbox,
    uids: readonly number[],
    target: { readonly name: string; readonly flags: FlagRights },
    move: boolean,
  ): Promise<CopiedUids> {
    const copied = await copyByHand(from, uids, { store: this.#store, ...target })
    if (move && copied.source.length > 0) {
      await from.store(copied.source, { mode: 'add', bits: DELETED, keywords: [] }, { silent: true })
      await from.expunge(copied.source)
    }
    return copied
  }

  async #isListed(target: AclTarget): Promise<boolean> {
    return shows(await this.#judge(target))
  }

  async #isNameListed(name: string): Promise<boolean> {
    const target = await this.#target(name).catch(unlessRefusal)
    return target !== undefined && (await this.#isListed(target))
  }

  async #showsSubscription(name: string): Promise<boolean> {
    const namespace = this.namespaces
      .filter(({ prefix }) => name.startsWith(prefix))
      .toSorted((one, other) => other.prefix.length - one.prefix.length)[0]
    if (namespace !== undefined && (await this.#options.namespaces.isElsewhere(name))) return true
    switch (namespace?.type) {
      case 'public':
        // A file of its own is everybody's; in his own file the user keeps what he put there.
        return !namespace.subscriptions || (await this.#isNameListed(name))
      case 'shared':
        return (await this.#isNameListed(name)) || (await this.#seesOwnerOf(name, namespace))
      default:
        return true
    }
  }

  /** Something of the same owner is visible. */
  async #seesOwnerOf(name: string, { prefix, separator }: StoreNamespace): Promise<boolean> {
    const end = name.indexOf(separator, prefix.length)
    const owner = end < 0 ? name : name.slice(0, end)
    const visible = await this.list([`${owner}*`])
    return visible.some(
      (entry) => entry.selectable && (entry.name === owner || entry.name.startsWith(owner + separator)),
    )
  }

  /** Where a name leads; what is in no namespace is left to the store, which knows what to say. */
  #target(name: string): Promise<AclTarget | undefined> {
    return this.#options.namespaces.resolve(isInbox(name) ? 'INBOX' : name)
  }

  async #parentOf({ namespace, mailbox }: AclTarget): Promise<AclTarget> {
    let names: ReadonlySet<string> | undefined
    const parent = await this.#options.access.parentOf(namespace, mailbox, async (name) => {
      names ??= new Set(await namespace.mailboxes())
      return names.has(name)
    })
    return { namespace, mailbox: parent }
  }

  async #inherit(parent: AclTarget, { namespace, mailbox }: AclTarget): Promise<void> {
    if (namespace.inherit === 'live') return
    try {
      const lines = await this.#options.access.backend.copy(namespace, parent.mailbox, mailbox)
      if (lines.length > 0) await this.#options.onInherit?.({ namespace, mailbox }, lines)
    } catch (error) {
      // The mailbox is there; it has less than it should.
      this.#options.log(
        'error',
        `Mailbox ${mailbox}: Failed to inherit ACLs: ${error instanceof Error ? error.message : String(error)}`,
      )
    }
  }

  #forget({ namespace, mailbox }: AclTarget): void {
    this.#options.access.backend.forget(namespace, mailbox)
  }

  /** Checks an operation on one mailbox; resolves with where it is. */
  async #demand(operation: Operation, name: string): Promise<AclTarget | undefined> {
    const target = await this.#target(name)
    if (target !== undefined) await this.#check(NEEDS[operation], name, { mailbox: target, target })
    return target
  }

  async #may(operation: Operation, name: string): Promise<boolean> {
    const target = await this.#target(name)
    if (target === undefined) return true
    const rights = await this.#rights(target)
    return NEEDS[operation].every((need) => isMet(need, rights))
  }

  /** Throws the refusal of the first need that is not met. */
  async #check(needs: readonly Need[], name: string, targets: Partial<Record<Need['of'], AclTarget>>): Promise<void> {
    for (const need of needs) {
      const target = targets[need.of]
      if (target === undefined) continue
      const judgement = await this.#judge(target)
      if (judgement.kind === 'broken') throw brokenRefusal(judgement, name)
      if (isMet(need, judgement.rights)) continue
      const lacking = hasLetter(judgement.rights, 'l') ? need.visible : need.invisible
      throw lacking === 'hidden' ? notFound(name) : noPermission()
    }
  }

  async #hasMail(name: string): Promise<boolean> {
    try {
      return (await this.#store.status(name)).messages > 0
    } catch (error) {
      // What has no mail, such as a \Noselect, the store deletes or refuses by itself.
      if (error instanceof StoreRefusal && (error.code === 'not-found' || error.code === 'cannot')) return false
      throw error
    }
  }

  async #rights(target: AclTarget): Promise<Rights> {
    return rightsOrNone(await this.#judge(target))
  }

  #currentRights({ namespace, mailbox }: AclTarget): Rights | Promise<Rights> {
    const judgement = this.#options.access.judge(namespace, mailbox)
    return judgement instanceof Promise ? judgement.then(rightsOrNone) : rightsOrNone(judgement)
  }

  async #judge({ namespace, mailbox }: AclTarget): Promise<Judgement> {
    return await this.#options.access.judge(namespace, mailbox)
  }
}

function checkRename(source: AclTarget, target: AclTarget): void {
  if (source.namespace !== target.namespace) {
    if (source.namespace.type === 'private' && target.namespace.type === 'private') return
    throw new StoreRefusal('cannot', 'Renaming not supported across non-private namespaces')
  }
  if (target.mailbox.startsWith(`${source.mailbox}/`) && source.mailbox !== 'INBOX') {
    throw new StoreRefusal('cannot', "Can't rename mailbox under its own child")
  }
}

function brokenRefusal({ isOwner }: Judgement & { kind: 'broken' }, name: string): StoreRefusal {
  if (!isOwner) return notFound(name)
  return new StoreRefusal('temporary', 'Internal error occurred. Refer to server log for more information.')
}

function notFound(name: string): StoreRefusal {
  return new StoreRefusal('not-found', `Mailbox doesn't exist: ${name}`)
}

function noPermission(): StoreRefusal {
  return new StoreRefusal('no-permission', 'Permission denied')
}

/** RFC 3501 §5.1: in any case. */
function isInbox(name: string): boolean {
  return name.toUpperCase() === 'INBOX'
}

function unlessRefusal(error: unknown): undefined {
  if (!(error instanceof StoreRefusal)) throw error
}
