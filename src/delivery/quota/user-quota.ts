import { StoreRefusal } from '../../storage/refusal.ts'
import type { QuotaAmount, QuotaHook } from '../../storage/quota-hook.ts'
import type { MailStore, QuotaRoot } from '../../storage/store.ts'
import { wildcardPattern } from '../../util/wildcard.ts'
import { CountedUsage } from './counted-usage.ts'
import { MaildirsizeUsage } from './maildirsize-usage.ts'
import { isOn } from './plugin-flag.ts'
import { isIgnored, limitFor, parseGrace, parseSize, type QuotaLimit } from './quota-rule.ts'
import type { QuotaRootSpec } from './quota-root.ts'
import { passedWarning } from './quota-warning.ts'
import type { Usage } from './usage.ts'

export interface UserQuotaInput {
  readonly roots: readonly QuotaRootSpec[]
  /** The same mail without a quota, to count it. */
  readonly store: MailStore
  /** Where a root keeps its `maildirsize`; without, mailboxes are counted. */
  readonly files?: QuotaFiles
  /** A delivery: the message that passes the limit may do so by `quota_grace`. */
  readonly isDelivery?: boolean
  /** `quota_max_mail_size`, `quota_exceeded_message`, `quota_vsizes`. */
  readonly plugin: ReadonlyMap<string, string>
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Runs a program: a socket and arguments. Resolves when it began; never rejects. */
  readonly runScript?: (words: readonly string[]) => Promise<void>
  readonly complain?: (text: string) => void
}

/** Mail as it is stored, for quotas that count that. */
export interface QuotaFiles {
  /** The path of a `maildirsize` beside the mail of a namespace, the user's own without one; `undefined` where there is no Maildir. */
  maildirsize(namespace: string | undefined): { readonly path: string; readonly fileMode: () => number } | undefined
  /** How much a mailbox holds, bytes as stored. */
  storedAmount(mailbox: string): Promise<QuotaAmount>
}

/** Sizes in bytes. */
export interface RootUsage {
  readonly name: string
  readonly storage: { readonly used: number; readonly limit: number }
  readonly messages: { readonly used: number; readonly limit: number }
}

/** Dovecot's words, unless `quota_exceeded_message` has others. */
const EXCEEDED = 'Quota exceeded (mailbox for user is full)'
const NOTHING: QuotaLimit = { sizeBytes: 0, messages: 0 }
const KB = 1024

/** Limits on a user's mail, and who is told when they come near. */
export class UserQuota implements QuotaHook {
  readonly #input: UserQuotaInput
  readonly #usages: ReadonlyMap<QuotaRootSpec, Usage>
  readonly countsStored: boolean
  /** Roots whose flag in the userdb was compared. */
  readonly #compared = new Set<QuotaRootSpec>()

  constructor(input: UserQuotaInput) {
    this.#input = input
    this.countsStored = input.files !== undefined && input.roots.some(({ backend }) => backend === 'maildir')
    this.#usages = new Map(input.roots.map((root) => [root, this.#usageOf(root)]))
  }

  async roots(mailbox: string): Promise<readonly QuotaRoot[]> {
    const roots: QuotaRoot[] = []
    for (const root of this.#rootsOf(mailbox)) {
      const limit = limitFor(root.rules, '') ?? NOTHING
      // One without limits is not shown.
      if (root.isHidden || isNone(limit)) continue
      await this.#compareFlag(root)
      roots.push({ name: root.name, resources: resourcesOf(await this.#usage(root).current(), limit) })
    }
    return roots
  }

  async check(mailbox: string, added: QuotaAmount, movedFrom?: string): Promise<void> {
    const { plugin, isDelivery } = this.#input
    const largest = parseSize(plugin.get('quota_max_mail_size') ?? '0')
    if (largest > 0 && added.sizeBytes > largest)
      throw new StoreRefusal('limit', 'Mail size is larger than the maximum size allowed by server configuration')
    const before = movedFrom === undefined ? [] : this.#rootsOf(movedFrom)
    for (const root of this.#rootsOf(mailbox)) {
      if (before.includes(root) || !root.isEnforced) continue
      const limit = limitFor(root.rules, this.#bare(mailbox))
      if (limit === undefined || isNone(limit)) continue
      await this.#compareFlag(root)
      const usage = this.#usage(root)
      const counted = { messages: added.messages, sizeBytes: usage.sizeOf(added) }
      if (isOver(await usage.current(), counted, limit, isDelivery === true ? root.grace : NO_GRACE)) {
        throw new StoreRefusal('over-quota', plugin.get('quota_exceeded_message') || EXCEEDED)
      }
    }
  }

  changed(mailbox: string, added: QuotaAmount): void | Promise<void> {
    const roots = this.#rootsOf(mailbox).filter((root) => !isIgnored(root.rules, this.#bare(mailbox)))
    const pending = roots.map((root) => this.#noting(root, added)).filter((noting) => noting !== undefined)
    const warned = roots.filter(({ warnings }) => warnings.length > 0)
    if (warned.length === 0 && pending.length === 0) return undefined
    return this.#settle(warned, pending, added)
  }

  /** What is used of each root and its limit, 0 for none: for administrators. */
  async usage(): Promise<readonly RootUsage[]> {
    const usages: RootUsage[] = []
    for (const root of this.#input.roots) {
      const used = await this.#usage(root).current()
      const limit = limitFor(root.rules, '') ?? NOTHING
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
    for (const usage of this.#usages.values()) await usage.recount()
  }

  /** Compares what the userdb says of the user with what is used, and tells `quota_over_script` when that is wrong. */
  async compareFlags(): Promise<void> {
    for (const root of this.#input.roots) if (root.overFlag?.isLazy === false) await this.#compareFlag(root)
  }

  async #compareFlag(root: QuotaRootSpec): Promise<void> {
    const { overFlag, rules } = root
    if (overFlag === undefined || this.#compared.has(root)) return
    this.#compared.add(root)
    const { words, flag, value } = overFlag
    const used = await this.#usage(root).current()
    const isFull = resourcesOf(used, limitFor(rules, '') ?? NOTHING).some(({ usage, limit }) => usage >= limit)
    const isSaid = flag !== undefined && wildcardPattern(value, 'i').test(flag)
    if (isFull !== isSaid) await this.#input.runScript?.(flag === undefined ? words : [...words, flag])
  }

  #noting(root: QuotaRootSpec, added: QuotaAmount): Promise<void> | undefined {
    const noting = this.#usage(root).note(added)
    return noting?.catch((error: unknown) => this.#complain(root, error))
  }

  /** Everything is counted before anybody is told. */
  async #settle(roots: readonly QuotaRootSpec[], pending: readonly Promise<void>[], added: QuotaAmount): Promise<void> {
    await Promise.all(pending)
    for (const root of roots) {
      try {
        await this.#warn(root, added)
      } catch (error) {
        this.#complain(root, error)
      }
    }
  }

  async #warn(root: QuotaRootSpec, added: QuotaAmount): Promise<void> {
    const usage = this.#usage(root)
    const after = await usage.fresh()
    const before = {
      messages: Math.max(0, after.messages - added.messages),
      sizeBytes: Math.max(0, after.sizeBytes - usage.sizeOf(added)),
    }
    const warning = passedWarning(root.warnings, limitFor(root.rules, '') ?? NOTHING, before, after)
    if (warning !== undefined) await this.#input.runScript?.(warning.words)
  }

  #complain({ name }: QuotaRootSpec, error: unknown): void {
    const text = error instanceof Error ? error.message : String(error)
    this.#input.complain?.(`quota: Failed to update usage of ${name}: ${text}`)
  }

  #usage(root: QuotaRootSpec): Usage {
    const usage = this.#usages.get(root)
    if (usage === undefined) throw new Error(`a quota root of somebody else: ${root.name}`)
    return usage
  }

  #usageOf(root: QuotaRootSpec): Usage {
    const { files, now, store, plugin } = this.#input
    const file = root.backend === 'maildir' ? files?.maildirsize(root.namespace) : undefined
    if (files === undefined || file === undefined)
      return new CountedUsage(() => this.#count(root, (name) => statusOrNothing(store, name)), now)
    return new MaildirsizeUsage({
      ...file,
      limit: limitFor(root.rules, '') ?? NOTHING,
      virtual: isOn(plugin.get('quota_vsizes')),
      count: () => this.#count(root, (name) => files.storedAmount(name)),
      now,
    })
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

  async #count(
    root: QuotaRootSpec,
    amountOf: (name: string) => Promise<QuotaAmount | undefined>,
  ): Promise<QuotaAmount> {
    let [messages, sizeBytes] = [0, 0]
    for (const { name, selectable, existing } of await this.#input.store.list(['*'])) {
      if (!selectable || !existing || !this.#rootsOf(name).includes(root)) continue
      if (isIgnored(root.rules, this.#bare(name))) continue
      const amount = await amountOf(name)
      messages += amount?.messages ?? 0
      sizeBytes += amount?.sizeBytes ?? 0
    }
    return { messages, sizeBytes }
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

function isNone({ sizeBytes, messages }: QuotaLimit): boolean {
  return sizeBytes === 0 && messages === 0
}

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
