import { MemoryFormat } from '../formats/memory.ts'
import type { MailFormat, MailLocation } from '../formats/format.ts'
import { MemoryIndex } from '../index/memory-index.ts'
import { SharedMailboxes } from '../mailbox/shared-mailboxes.ts'
import type { MailboxSpec, NamespaceSpec } from '../namespace.ts'
import { openStore, type OwnMailStore, type StoreOptions } from '../open-store.ts'
import type { StoreContext, StoreSettings } from '../store-context.ts'

/** Mail in memory that several stores, and several "processes", may look at. For tests. */
export class MemoryMail {
  readonly format: MailFormat
  readonly context: StoreContext
  /** What a store logged. */
  readonly log: string[] = []

  /** `other`: the same mail, looked at from another process. */
  constructor(other?: MemoryMail, format: MailFormat = other?.format ?? new MemoryFormat()) {
    this.format = format
    this.context = {
      formats: new Map([['memory', format]]),
      mailboxes: new SharedMailboxes(),
      indexes: other?.context.indexes ?? rememberingIndexes(),
      hostname: 'host.example.org',
      now: () => Date.now(),
    }
  }

  /** The store of a user; without `namespaces` one namespace with INBOX and the separator `/`. */
  open(user = 'joe', options: Partial<StoreOptions> = {}): OwnMailStore {
    return openStore({
      user,
      namespaces: [memoryNamespace({ location: memoryLocation(user) })],
      settings: memorySettings,
      context: this.context,
      log: (level, text) => this.log.push(`${level}: ${text}`),
      ...options,
    })
  }

  close(): Promise<void> {
    return this.context.mailboxes.close()
  }
}

export const memorySettings: StoreSettings = {
  maildir_copy_with_hardlinks: true,
  mail_save_crlf: false,
  mail_fsync: 'optimized',
  mail_max_lock_timeout: 0,
  mailbox_idle_check_interval: 30_000,
  mail_max_keyword_length: 50,
}

export function memoryLocation(path: string): MailLocation {
  return {
    format: 'memory',
    path,
    layout: 'fs',
    inboxPath: undefined,
    indexPath: undefined,
    indexPrivatePath: undefined,
    controlPath: undefined,
    options: new Map(),
  }
}

/** A private namespace with INBOX; every fact may be another. */
export function memoryNamespace(facts: Partial<NamespaceSpec> = {}): NamespaceSpec {
  return {
    name: 'inbox',
    type: 'private',
    prefix: '',
    separator: '/',
    inbox: true,
    hidden: false,
    list: 'yes',
    subscriptions: true,
    location: memoryLocation('joe'),
    aliasFor: undefined,
    order: 0,
    mailboxes: [],
    ...facts,
  }
}

/** A `mailbox {}` block. */
export function mailboxBlock(name: string, facts: Partial<MailboxSpec> = {}): MailboxSpec {
  return { name, auto: 'no', specialUse: [], autoexpungeMs: 0, autoexpungeMaxMails: 0, ...facts }
}

/** Indexes that outlive the mailboxes, and are shared by all that use them. */
function rememberingIndexes(): StoreContext['indexes'] {
  const known = new Map<string, MemoryIndex>()
  return {
    open({ location, guid }) {
      const key = `${location.path} ${guid}`
      const index = known.get(key) ?? new MemoryIndex(() => 1)
      known.set(key, index)
      return index
    },
  }
}
