import type { FormatStore, MailLocation } from './formats/format.ts'
import { type NameRules, storageName } from './mailbox-name.ts'
import { StoreRefusal } from './refusal.ts'
import type { StoreNamespace } from './store.ts'
import { wildcardPattern } from '../util/wildcard.ts'

/** A namespace of one user, with every setting and variable filled in. */
export interface NamespaceSpec extends StoreNamespace {
  /** Where its mail is; of a shared namespace, that of one owner, at once when it is at hand. */
  readonly location: MailLocation | ((owner: string) => MailLocation | undefined | Promise<MailLocation | undefined>)
  /** Of a shared namespace: what follows the prefix, with `%u`, `%n` and `%d` of the owner. */
  readonly ownerPattern?: string
  /** `mail_shared_explicit_inbox`: an owner's INBOX is `shared/jane/INBOX`, not `shared/jane`. */
  readonly explicitInbox?: boolean
  /** The prefix of the namespace that this one shows again. */
  readonly aliasFor: string | undefined
  readonly order: number
  readonly mailboxes: readonly MailboxSpec[]
}

/** A `mailbox NAME {}` block. */
export interface MailboxSpec {
  /** Without the prefix, with the namespace's separator. May hold `*` and `?`. */
  readonly name: string
  readonly auto: 'no' | 'create' | 'subscribe'
  readonly specialUse: readonly string[]
  /** 0: never. */
  readonly autoexpungeMs: number
  /** 0: as many as there are. */
  readonly autoexpungeMaxMails: number
}

/** Mailboxes under one prefix in one place: a namespace, or what one owner shares. */
export class Place {
  readonly spec: NamespaceSpec
  /** With the owner's name, for a shared namespace. */
  readonly prefix: string
  readonly format: string
  readonly location: MailLocation
  readonly store: FormatStore
  /** Whose mail it is, when it is another user's. */
  readonly owner: string | undefined
  readonly #rules: NameRules

  constructor(place: {
    readonly spec: NamespaceSpec
    readonly prefix: string
    readonly location: MailLocation
    readonly store: FormatStore
    readonly owner: string | undefined
  }) {
    this.spec = place.spec
    this.prefix = place.prefix
    this.location = place.location
    this.format = place.location.format
    this.store = place.store
    this.owner = place.owner
    this.#rules = {
      separator: place.spec.separator,
      layoutSeparator: layoutSeparator(place.location),
      reserved: this.format === 'maildir' && place.location.layout === 'fs' ? MAILDIR_LEVELS : NO_LEVELS,
    }
  }

  /** The storage name of a virtual name of this place. Refuses impossible names. */
  toStorage(name: string): string {
    if (this.spec.inbox && name === 'INBOX') return name
    const rest = name.slice(this.prefix.length)
    if (name === this.root) return this.#ofRoot(name)
    if (rest === '') {
      throw new StoreRefusal('invalid-name', `Invalid mailbox name '${name}': Ends with hierarchy separator`)
    }
    return storageName(rest, this.#rules)
  }

  /** Refuses a new mailbox whose directory would be in the way of a file. */
  checkNew(storage: string): void {
    if (layoutSeparator(this.location) === '.' || !storage.split('/').some((level) => FILES.test(level))) return
    throw new StoreRefusal('invalid-name', 'Invalid mailbox name: Contains reserved name')
  }

  toVirtual(storage: string): string {
    if (storage === 'INBOX' && this.spec.inbox) return storage
    if (storage === 'INBOX' && this.owner !== undefined && !this.spec.explicitInbox) return this.root
    return this.prefix + storage.replaceAll('/', this.spec.separator)
  }

  /** The prefix as a name. */
  get root(): string {
    const { prefix } = this
    return prefix.endsWith(this.spec.separator) ? prefix.slice(0, -this.spec.separator.length) : prefix
  }

  /** The prefix itself, where it is no mailbox. */
  isRoot(name: string): boolean {
    if (name === '' || name === 'INBOX' || this.owner !== undefined) return false
    return name === this.root || name === this.prefix
  }

  /** An owner's INBOX is at the root; else nothing is. */
  #ofRoot(name: string): string {
    if (this.owner !== undefined && !this.spec.explicitInbox) return 'INBOX'
    // An empty prefix: the name is empty.
    if (name === '') return storageName('', this.#rules)
    throw new StoreRefusal('not-found', `Mailbox doesn't exist: ${name}`)
  }

  /** The block that speaks about a mailbox. */
  mailboxSpec(storage: string): MailboxSpec | undefined {
    const name = storage.replaceAll('/', this.spec.separator)
    return this.spec.mailboxes.find((box) => box.name === name) ?? this.spec.mailboxes.find((box) => matches(box, name))
  }
}

/** The separator of a layout. */
export function layoutSeparator({ layout }: MailLocation): '.' | '/' {
  return layout === 'maildir++' ? '.' : '/'
}

/** Files that lie beside the directories of mailboxes where these have the mailboxes' names. */
const FILES = /^(subscriptions|maildirfolder|postern\.index|postern\.private|dovecot[-.].*)$/
const MAILDIR_LEVELS = new Set(['cur', 'new', 'tmp'])
const NO_LEVELS: ReadonlySet<string> = new Set()

/** `*` stands for anything, `?` for one character. */
function matches({ name }: MailboxSpec, wanted: string): boolean {
  if (!/[*?]/.test(name)) return false
  return wildcardPattern(name).test(wanted)
}
