import type { AclNamespace } from './namespace.ts'

/** Mailboxes of one namespace that are remembered. */
const MAX_MAILBOXES = 20_000

/**
 * What a session remembers of mailboxes. LIST asks for thousands of them in turn: names are kept as they come, for a key that is put
 * together costs more than the answer. A namespace with too many is forgotten as a whole.
 */
export class KnownMailboxes<Value> {
  readonly #namespaces = new WeakMap<AclNamespace, Map<string, Value>>()

  get(namespace: AclNamespace, mailbox: string): Value | undefined {
    return this.#namespaces.get(namespace)?.get(mailbox)
  }

  set(namespace: AclNamespace, mailbox: string, value: Value): void {
    const mailboxes = this.#namespaces.get(namespace) ?? new Map<string, Value>()
    if (mailboxes.size >= MAX_MAILBOXES && !mailboxes.has(mailbox)) mailboxes.clear()
    mailboxes.set(mailbox, value)
    this.#namespaces.set(namespace, mailboxes)
  }
}
