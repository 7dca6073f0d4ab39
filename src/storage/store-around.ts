import type {
  Appending,
  CreateOptions,
  Mailbox,
  MailboxEntry,
  MailboxStatus,
  MailStore,
  QuotaRoot,
  StoreNamespace,
} from './store.ts'

/** A store that is another one: decorators override what they change. */
export class StoreAround implements MailStore {
  readonly user: string
  readonly namespaces: readonly StoreNamespace[]
  protected readonly inner: MailStore

  constructor(inner: MailStore) {
    this.user = inner.user
    this.namespaces = inner.namespaces
    this.inner = inner
  }

  list(patterns: readonly string[]): Promise<readonly MailboxEntry[]> {
    return this.inner.list(patterns)
  }

  subscriptions(): Promise<readonly string[]> {
    return this.inner.subscriptions()
  }

  subscribe(name: string, subscribed: boolean): Promise<void> {
    return this.inner.subscribe(name, subscribed)
  }

  create(name: string, options?: CreateOptions): Promise<void> {
    return this.inner.create(name, options)
  }

  delete(name: string): Promise<void> {
    return this.inner.delete(name)
  }

  rename(from: string, to: string): Promise<void> {
    return this.inner.rename(from, to)
  }

  status(name: string): Promise<MailboxStatus> {
    return this.inner.status(name)
  }

  open(name: string, mode: 'read-only' | 'read-write'): Promise<Mailbox> {
    return this.inner.open(name, mode)
  }

  beginAppend(name: string): Promise<Appending> {
    return this.inner.beginAppend(name)
  }

  quotaRoots(name: string): Promise<readonly QuotaRoot[]> {
    return this.inner.quotaRoots(name)
  }

  autoexpunge(): Promise<number> {
    return this.inner.autoexpunge()
  }

  close(): Promise<void> {
    return this.inner.close()
  }
}
