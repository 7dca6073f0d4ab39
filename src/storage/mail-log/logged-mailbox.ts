import { DELETED, type FlagChange, type Flags } from '../flags.ts'
import { MailboxAround } from '../mailbox/mailbox-around.ts'
import type { CopiedUids, Mailbox } from '../store.ts'
import { flagsText, type LoggedMessage } from './event-line.ts'
import { type MailLog, recordOf } from './mail-log.ts'
import type { MailLogEvent } from './mail-log-settings.ts'
import { readMessages } from './read-messages.ts'

/** A mailbox whose changes are logged, once they are done. */
export class LoggedMailbox extends MailboxAround {
  readonly #log: MailLog

  constructor(mailbox: Mailbox, log: MailLog) {
    super(mailbox)
    this.#log = log
  }

  override async store(
    uids: readonly number[],
    change: FlagChange,
    options: { readonly silent: boolean; readonly unchangedSince?: number },
  ): Promise<{ readonly modified: readonly number[] }> {
    if (!FLAG_EVENTS.some((event) => this.#log.has(event))) return await this.inner.store(uids, change, options)
    const before = this.#flagsOf(uids)
    const stored = await this.inner.store(uids, change, options)
    await this.#logFlags(before)
    return stored
  }

  override async expunge(uids?: readonly number[]): Promise<void> {
    if (!this.#log.has('expunge')) return await this.inner.expunge(uids)
    const doomed = this.#there(uids).filter((uid) => ((recordOf(this.inner, uid)?.flags.bits ?? 0) & DELETED) !== 0)
    const tell = await this.#expunging(doomed)
    await this.inner.expunge(uids)
    tell()
  }

  override async remove(uids: readonly number[]): Promise<void> {
    if (!this.#log.has('expunge')) return await this.inner.remove(uids)
    const tell = await this.#expunging(this.#there(uids))
    await this.inner.remove(uids)
    tell()
  }

  override async copy(uids: readonly number[], to: string): Promise<CopiedUids> {
    return await this.#transfer(uids, to, () => this.inner.copy(uids, to))
  }

  /** Without \Recent, as Dovecot has it, unless it is moved to where it is. */
  override async move(uids: readonly number[], to: string): Promise<CopiedUids> {
    const messages = await this.#messagesOf(uids, ['copy', 'expunge'])
    const flags = this.#flagsOf(uids)
    const target = mailboxName(to)
    const copied = await this.#transfer(uids, to, () => this.inner.move(uids, to), messages)
    if (!this.#log.has('expunge')) return copied
    for (const uid of copied.source) {
      const { bits, keywords } = flags.get(uid) ?? NO_FLAGS
      const text = flagsText(bits, keywords, target === this.name && this.isRecent(uid))
      this.#log.message({ what: 'expunge', box: this.name, uid, flags: text }, messages.get(uid))
    }
    return copied
  }

  async #transfer(
    uids: readonly number[],
    to: string,
    work: () => Promise<CopiedUids>,
    known?: ReadonlyMap<number, LoggedMessage>,
  ): Promise<CopiedUids> {
    const messages = known ?? (await this.#messagesOf(uids, ['copy']))
    const flags = this.#flagsOf(uids)
    const copied = await work()
    if (!this.#log.has('copy')) return copied
    const box = mailboxName(to)
    for (const [at, source] of copied.source.entries()) {
      const { bits, keywords } = flags.get(source) ?? NO_FLAGS
      const event = { what: `copy from ${this.name}`, box, uid: copied.target[at] }
      this.#log.message({ ...event, flags: flagsText(bits, keywords, false) }, messages.get(source))
    }
    return copied
  }

  async #messagesOf(
    uids: readonly number[],
    events: readonly MailLogEvent[],
  ): Promise<ReadonlyMap<number, LoggedMessage>> {
    if (!events.some((event) => this.#log.has(event))) return new Map()
    return await readMessages(this.inner, this.#there(uids), this.#log.settings)
  }

  async #expunging(uids: readonly number[]): Promise<() => void> {
    return await this.#log.removing(this.inner, uids, {
      isGone: (uid) => recordOf(this.inner, uid)?.expunged !== false,
    })
  }

  /** Those of the view that are not gone; without `uids` all. */
  #there(uids?: readonly number[]): readonly number[] {
    const all = uids ?? Array.from({ length: this.inner.count }, (_, at) => this.inner.message(at + 1).uid)
    return all.filter((uid) => recordOf(this.inner, uid)?.expunged === false)
  }

  #flagsOf(uids: readonly number[]): ReadonlyMap<number, Flags> {
    const flags = new Map<number, Flags>()
    for (const uid of uids) {
      const record = recordOf(this.inner, uid)
      if (record !== undefined && !record.expunged) flags.set(uid, record.flags)
    }
    return flags
  }

  /** Dovecot changes system flags first, then keywords: a message may have a line for each. */
  async #logFlags(before: ReadonlyMap<number, Flags>): Promise<void> {
    const changes: { readonly uid: number; readonly what: MailLogEvent; readonly flags: string }[] = []
    for (const [uid, old] of before) {
      const now = recordOf(this.inner, uid)?.flags
      if (now === undefined) continue
      const isRecent = this.isRecent(uid)
      if (now.bits !== old.bits)
        changes.push({ uid, what: eventOf(old, now), flags: flagsText(now.bits, old.keywords, isRecent) })
      if (!isSame(old.keywords, now.keywords))
        changes.push({ uid, what: 'flag_change', flags: flagsText(now.bits, now.keywords, isRecent) })
    }
    const logged = changes.filter(({ what }) => this.#log.has(what))
    const messages = await readMessages(this.inner, [...new Set(logged.map(({ uid }) => uid))], this.#log.settings)
    for (const { uid, what, flags } of logged)
      this.#log.message({ what, box: this.name, uid, flags }, messages.get(uid))
  }
}

const FLAG_EVENTS: readonly MailLogEvent[] = ['delete', 'undelete', 'flag_change']
const NO_FLAGS = { bits: 0, keywords: [] } as const

function eventOf(old: Flags, now: Flags): MailLogEvent {
  if (((old.bits ^ now.bits) & DELETED) === 0) return 'flag_change'
  return (now.bits & DELETED) === 0 ? 'undelete' : 'delete'
}

function isSame(one: readonly string[], other: readonly string[]): boolean {
  return one.length === other.length && one.every((keyword, at) => keyword === other[at])
}

/** INBOX in any case is INBOX. */
export function mailboxName(name: string): string {
  return /^inbox$/i.test(name) ? 'INBOX' : name
}
