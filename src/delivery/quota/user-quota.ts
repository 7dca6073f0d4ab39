import { StoreRefusal } from '../../storage/refusal.ts'
import type { QuotaAmount, QuotaHook } from '../../storage/quota-hook.ts'
import type { MailStore, QuotaRoot } from '../../storage/store.ts'
import { isIgnored, limitFor, parseGrace, parseSize, type QuotaLimit } from './quota-rule.ts'
import type { QuotaRootSpec } from './quota-root.ts'

export interface UserQuotaInput {
  readonly roots: readonly QuotaRootSpec[]
  /** The same mail without a quota, to count it. */
  readonly store: MailStore
  /** A delivery: the message that passes the limit may do so by `quota_grace`. */
  readonly isDelivery?: boolean
  /** `quota_max_mail_size`, `quota_exceeded_message`. */
  readonly plugin: ReadonlyMap<string, string>
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** Sizes in bytes. */
export interface RootUsage {
  readonly name: string
  readonly storage: { readonly used: number; readonly limit: number }
  readonly messages: { readonly used: number; readonly limit: number }
}

/** Dovecot's words, unless `quota_exceeded_message` has others. */
const EXCEEDED = 'Quota exceeded (mailbox for user is full)'
/** A count this old is made again: other programs add and remove mail too. */
const COUNT_MS = 2_000
const KB = 1024

interface Usage extends QuotaAmount {
  readonly countedMs: number
}

/** Limits on a user's mail, counted from what is there: nothing is kept that could be wrong. */
export class UserQuota implements QuotaHook {
  readonly #input: UserQuotaInput
  readonly #usage = new Map<QuotaRootSpec, Usage>()

  constructor(input: UserQuotaInput) {
    this.#input = input
  }

  async roots(mailbox: string): Promise<readonly QuotaRoot[]> {
    const roots: QuotaRoot[] = []
    for (const root of this.#rootsOf(mailbox)) {
      const limit = limitFor(root.rules, '') ?? { sizeBytes: 0, messages: 0 }
      // One without limits is not shown.
      if (limit.sizeBytes === 0 && limit.messages === 0) continue
      roots.push({ name: root.name, resources: resourcesOf(await this.#count(root), limit) })
    }
    return roots
  }

  async check(mailbox: string, added: QuotaAmount, movedFrom?: string): Promise<void> {
    const largest = parseSize(this.#input.plugin.get('quota_max_mail_size') ?? '0')
    if (largest > 0 && added.sizeBytes > largest)
      throw new StoreRefusal('limit', 'Mail size is larger than the maximum size allowed by server configuration')
    const before = movedFrom === undefined ? [] : this.#rootsOf(movedFrom)
    for (const root of this.#rootsOf(mailbox)) {
      if (before.includes(root)) continue
      const limit = limitFor(root.rules, this.#bare(mailbox))
      if (limit === undefined || (limit.sizeBytes === 0 && limit.messages === 0)) continue
      if (isOver(await this.#count(root), added, limit, this.#input.isDelivery === true ? root.grace : NO_GRACE)) {
        throw new StoreRefusal('over-quota', this.#input.plugin.get('quota_exceeded_message') || EXCEEDED)
      }
    }
  }

  changed(mailbox: string, added: QuotaAmount): void {
    for (const root of this.#rootsOf(mailbox)) {
      const known = this.#usage.get(root)
      if (known === undefined || isIgnored(root.rules, this.#bare(mailbox))) continue
      this.#usage.set(root, {
        messages: known.messages + added.messages,
        sizeBytes: known.sizeBytes + added.sizeBytes,
        countedMs: known.countedMs,
      })
    }
  }

  /** What is used of each root and its limit, 0 for none: for administrators. */
  async usage(): Promise<readonly RootUsage[]> {
    const usages: RootUsage[] = []
    for (const root of this.#input.roots) {
      const used = await this.#count(root)
      const limit = limitFor(root.rules, '') ?? { sizeBytes: 0, messages: 0 }
      usages.push({
        name: root.name,
        storage: { used: used.sizeBytes, limit: limit.sizeBytes },
        messages: { used: used.messages, limit: limit.messages },
      })
    }
    return usages
  }

  /** Counts again now. */
  async recount(): Promise<void> {
    this.#usage.clear()
    for (const root of this.#input.roots) await this.#count(root)
  }

  /** Roots that mail in this mailbox counts into: those of private namespaces, or of the one a root names. */
  #rootsOf(mailbox: string): readonly QuotaRootSpec[] {
    const namespace = this.#namespaceOf(mailbox)
    return this.#input.roots.filter((root) =>
      root.namespace === undefined ? namespace?.type === 'private' : namespace?.prefix === root.namespace,
    )
  }

  #namespaceOf(mailbox: string): MailStore['namespaces'][number] | undefined {
    const { namespaces } = this.#input.store
    if (mailbox === 'INBOX') return namespaces.find(({ inbox }) => inbox)
    return namespaces
      .filter(({ prefix }) => mailbox.startsWith(prefix))
      .toSorted((left, right) => right.prefix.length - left.prefix.length)[0]
  }

  /** Rules name mailboxes without the prefix of their namespace. */
  #bare(mailbox: string): string {
    const prefix = this.#namespaceOf(mailbox)?.prefix ?? ''
    return mailbox === 'INBOX' ? mailbox : mailbox.slice(prefix.length)
  }

  async #count(root: QuotaRootSpec): Promise<Usage> {
    const { store, now } = this.#input
    const known = this.#usage.get(root)
    if (known !== undefined && now() - known.countedMs < COUNT_MS) return known
    let [messages, sizeBytes] = [0, 0]
    for (const { name, selectable, existing } of await store.list(['*'])) {
      if (!selectable || !existing || !this.#rootsOf(name).includes(root)) continue
      if (isIgnored(root.rules, this.#bare(name))) continue
      const status = await statusOrNothing(store, name)
      messages += status?.messages ?? 0
      sizeBytes += status?.sizeBytes ?? 0
    }
    const usage = { messages, sizeBytes, countedMs: now() }
    this.#usage.set(root, usage)
    return usage
  }
}

async function statusOrNothing(store: MailStore, name: string): Promise<QuotaAmount | undefined> {
  try {
    return await store.status(name)
  } catch (error) {
    // It went while we counted.
    if (error instanceof StoreRefusal && error.code === 'not-found') return undefined
    throw error
  }
}

const NO_GRACE = '0'

/** A message may pass the limit by the grace as long as what was there before does not. */
function isOver(used: QuotaAmount, added: QuotaAmount, limit: QuotaLimit, grace: string): boolean {
  if (limit.messages > 0 && used.messages + added.messages > limit.messages) return true
  if (limit.sizeBytes === 0) return false
  const after = used.sizeBytes + added.sizeBytes
  if (after <= limit.sizeBytes) return false
  return used.sizeBytes >= limit.sizeBytes || after > limit.sizeBytes + parseGrace(grace, limit.sizeBytes)
}

/** As QUOTA tells them: storage in units of 1024 bytes. RFC 9208 §5.1. */
function resourcesOf(used: QuotaAmount, limit: QuotaLimit): QuotaRoot['resources'] {
  const storage =
    limit.sizeBytes === 0
      ? []
      : [{ name: 'STORAGE' as const, usage: Math.ceil(used.sizeBytes / KB), limit: Math.ceil(limit.sizeBytes / KB) }]
  const count = limit.messages === 0 ? [] : [{ name: 'MESSAGE' as const, usage: used.messages, limit: limit.messages }]
  return [...storage, ...count]
}
