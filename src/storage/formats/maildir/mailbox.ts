import { existsSync, renameSync, statSync, unlinkSync } from 'node:fs'
import { setImmediate as yieldToOthers } from 'node:timers/promises'
import { StoreRefusal } from '../../refusal.ts'
import type { Flags } from '../../flags.ts'
import type { Scratch } from '../../scratch.ts'
import type { MessageIdentity, StoredMessage } from '../../store.ts'
import type { ChangedFlags, FormatAppending, FormatChanges, FormatMailbox, FormatRecord } from '../format.ts'
import { MaildirAppending, type AppendTarget } from './appending.ts'
import { unpacked } from './compressed.ts'
import { pathOf } from './disk.ts'
import { isFullDisk, refusalOfFullDisk } from './full-disk.ts'
import { extraKeywords } from './extra-keywords.ts'
import { type CommitNeeds, type CommitTarget, GroupCommit } from './group-commit.ts'
import { baseOf, parseInfo, sizeInName, withInfo, type Info } from './file-name.ts'
import { Look, whatIsDue } from './look.ts'
import { withMailboxLock } from './mailbox-place.ts'
import type { MailboxState } from './mailbox-state.ts'
import { openMessageFile, readHead } from './message-file.ts'
import { MessageFiles, own } from './message-files.ts'
import type { ComingMessage } from './placing.ts'
import type { MaildirRecord } from './record.ts'
import { fileNamesNow, type FoundFile, LARGE_DIRECTORY_BYTES } from './scan.ts'
import { extensionOf, type UidlistRecord } from './uidlist-text.ts'
import { watchDirectories } from './watch.ts'

/** Files changed between two turns of the event loop. */
const CHANGES_A_TURN = 64

/** A uidlist of some thousand messages: reading it and the directories takes a few milliseconds. */
const SMALL_LIST_BYTES = 128 * 1024

/** One open Maildir. Whatever it changes, it changes under the uidlist's lock, as Dovecot does. */
export class MaildirMailbox implements FormatMailbox, AppendTarget, CommitTarget {
  readonly readOnly: boolean
  readonly state: MailboxState
  readonly files: MessageFiles
  readonly #commits = new GroupCommit(this)
  #loaded = false

  constructor(state: MailboxState, readOnly: boolean) {
    this.state = state
    this.files = new MessageFiles(state)
    this.readOnly = readOnly
  }

  /** Reads the uidlist, and makes one when there is none, so that the mailbox has a UIDVALIDITY and a GUID. */
  async open(): Promise<void> {
    const { uidlist, keywords } = this.state
    keywords.refresh()
    if (uidlist.peek()) return
    await uidlist.refresh()
    if (this.readOnly || !uidlist.needsRewrite) return
    await this.locked(async () => {
      await uidlist.refresh()
      if (!uidlist.loaded && this.#isLargeAndOld()) await this.#lookAtOnce()
      else await uidlist.rewriteWhenNeeded()
    })
  }

  /** Many messages, and none that whoever selects the mailbox would have to move first. */
  #isLargeAndOld(): boolean {
    const { curStamp, newStamp } = this.state
    return (curStamp.stat()?.size ?? 0) > LARGE_DIRECTORY_BYTES && fileNamesNow(newStamp.path).length === 0
  }

  /** Writes the first uidlist with all messages in it: it is locked and synced once. */
  async #lookAtOnce(): Promise<void> {
    await new Look(this.state, { keepNew: true, locked: true, force: true }).run()
    this.#loaded = true
  }

  get uidValidity(): number {
    return this.state.uidlist.uidValidity
  }

  get uidNext(): number {
    return this.state.uidlist.nextUid
  }

  get guid(): string {
    return this.state.uidlist.guid
  }

  get keywords(): readonly string[] {
    return this.state.allKeywords
  }

  get isSmall(): boolean {
    return this.state.uidlist.sizeBytes <= SMALL_LIST_BYTES
  }

  changed(): boolean {
    if (!this.#loaded || !this.state.pending.isEmpty || this.state.doubtful.size > 0) return true
    const { newer, cur, list } = whatIsDue(this.state)
    return cur || list || newer
  }

  async sync(options: { readonly keepNew?: boolean } = {}): Promise<FormatChanges> {
    this.files.forgetListings()
    this.state.settleDoubts()
    const keepNew = options.keepNew ?? this.readOnly
    if (!this.#loaded || !this.#isQuiet(keepNew)) await this.look({ keepNew, force: !this.#loaded })
    this.#loaded = true
    return this.state.drain()
  }

  /** Nothing is due, or only `new`, and nothing is there. */
  #isQuiet(keepNew: boolean): boolean {
    const { newer, cur, list } = whatIsDue(this.state)
    if (cur || list) return false
    if (!newer) return true
    const stat = this.state.newStamp.stat()
    const files = fileNamesNow(this.state.newStamp.path)
    const { inNew, byBase } = this.state
    if (stat === undefined || files.length !== inNew.size) return false
    if (files.length > 0 && !(keepNew && files.every((name) => byBase.get(baseOf(name))?.fileName === name)))
      return false
    this.state.newStamp.remember(stat, this.state.nowMs)
    return true
  }

  /** Brings the state up to date with the disk. */
  async look(options: { readonly keepNew: boolean; readonly force: boolean }): Promise<void> {
    if (this.readOnly) return new Look(this.state, { ...options, locked: false }).run()
    try {
      await this.locked(() => new Look(this.state, { ...options, locked: true }).run())
    } catch (error) {
      await this.#lookAtWhatFits(error, options.force)
    }
  }

  /** On a full disk new mail has to wait, but what has UIDs can be read, and removed. */
  async #lookAtWhatFits(error: unknown, force: boolean): Promise<void> {
    if (!isFullDisk(error)) throw error
    const { place } = this.state
    place.context.log('error', `Maildir ${place.mail}: new mail has to wait: ${String(error)}`)
    await new Look(this.state, { keepNew: true, locked: false, force }).run()
  }

  /** Runs something with the uidlist locked. */
  async locked<T>(work: () => Promise<T>): Promise<T> {
    this.#refuseWhenReadOnly()
    return withMailboxLock(this.state.place, work)
  }

  async setFlags(changes: readonly ChangedFlags[]): Promise<readonly FormatRecord[]> {
    const wanted = changes.map(({ record, flags }) => ({ record: own(record), old: record.flags, flags }))
    try {
      return await this.#change(() => this.#renameAll(wanted))
    } catch (error) {
      // Some may have their new flags: the next sync tells.
      for (const { record } of wanted) this.state.doubtful.add(record)
      throw refusalOfFullDisk(error)
    }
  }

  async #renameAll(
    wanted: readonly { readonly record: MaildirRecord; readonly old: Flags; readonly flags: Flags }[],
  ): Promise<MaildirRecord[]> {
    const gone: MaildirRecord[] = []
    // A letter has its name before a file has it.
    for (const flags of new Set(wanted.map((one) => one.flags))) this.state.lettersOf(flags.keywords)
    await this.state.keywords.commit()
    for (const [index, { record, old, flags }] of wanted.entries()) {
      if (index % CHANGES_A_TURN === CHANGES_A_TURN - 1) await yieldToOthers()
      if (!this.#rename(record, old, flags)) gone.push(record)
    }
    await this.state.keywords.commit()
    await this.state.uidlist.rewriteWhenNeeded()
    for (const record of gone) this.state.forget(record)
    return gone
  }

  /** Gives a file the name of its new flags. False when it is gone. */
  #rename(record: MaildirRecord, old: Flags, flags: Flags): boolean {
    return this.files.use(record, (directory, name) => {
      const { bits, letters, extra } = this.#merged(record, old, flags)
      const info = withInfo(record.info, { bits, letters })
      const target = pathOf(`${this.state.place.mail}/cur`, record.base + info)
      if (record.isNew || info !== record.info) renameSync(pathOf(directory, name), target)
      else if (statSync(target, { throwIfNoEntry: false }) === undefined) throw notThere()
      this.state.located(record, { info, isNew: false })
      this.state.setExtraKeywords(record, extra)
      if (this.state.flagsOf(info, record.entry) !== flags) this.state.doubtful.add(record)
    })
  }

  /** What others changed meanwhile stays: only the difference between old and new is applied. */
  #merged(record: MaildirRecord, old: Flags, flags: Flags): Info & { readonly extra: readonly string[] } {
    const { bits, letters } = parseInfo(record.info)
    const gone = this.state.lettersOf(old.keywords.filter((name) => !flags.keywords.includes(name)))
    const wanted = this.state.lettersOf(flags.keywords)
    const numbers = new Set([...letters, ...wanted.letters])
    const extra = new Set([...extraKeywords(record.entry.extensions), ...wanted.extra])
    for (const number of gone.letters) numbers.delete(number)
    for (const keyword of gone.extra) extra.delete(keyword)
    return {
      bits: (bits | (flags.bits & ~old.bits)) & ~(old.bits & ~flags.bits),
      letters: [...numbers].sort((one, other) => one - other),
      extra: [...extra],
    }
  }

  async expunge(records: readonly FormatRecord[]): Promise<readonly FormatRecord[]> {
    return this.#change(async () => {
      const gone: MaildirRecord[] = []
      for (const [index, record] of records.map(own).entries()) {
        if (index % CHANGES_A_TURN === CHANGES_A_TURN - 1) await yieldToOthers()
        if (this.#unlink(record)) gone.push(record)
      }
      for (const record of gone) this.state.forget(record)
      return gone
    })
  }

  #unlink(record: MaildirRecord): boolean {
    try {
      this.files.use(record, (directory, name) => unlinkSync(pathOf(directory, name)))
      return true
    } catch (error) {
      this.state.place.context.log('error', `unlink(${record.fileName}) failed: ${String(error)}`)
      return false
    }
  }

  /** Locks, looks at what others did, changes something, and takes note that the change is our own. */
  async #change<T>(work: () => Promise<T>): Promise<T> {
    return this.locked(async () => {
      const force = !this.#loaded
      await new Look(this.state, { keepNew: true, locked: true, force })
        .run()
        .catch((error: unknown) => this.#lookAtWhatFits(error, force))
      this.#loaded = true
      const done = await work()
      this.#rememberOwnChange()
      return done
    })
  }

  commitMessages(messages: readonly ComingMessage[]): Promise<readonly number[]> {
    return this.#commits.commit(messages)
  }

  /** Runs a commit with the lock, and with the uidlist as it is now. */
  appendLocked<T>(needs: CommitNeeds, work: () => Promise<T>): Promise<T> {
    if (this.#loaded || needs.names) return this.#change(work)
    return this.locked(async () => {
      if (!this.state.uidlist.peek()) await this.state.uidlist.refresh()
      if (needs.keywords) this.state.refreshKeywords()
      return work()
    })
  }

  /** Messages that `work` of `appendLocked` put here. */
  appended(entries: readonly UidlistRecord[], files: readonly FoundFile[]): void {
    if (!this.#loaded) return
    for (const [index, entry] of entries.entries()) this.state.add(entry, files[index] as FoundFile, true)
  }

  /** What the directories hold now is known. */
  #rememberOwnChange(): void {
    this.state.newStamp.rememberNow(this.state.nowMs)
    this.state.curStamp.rememberNow(this.state.nowMs)
  }

  openMessage(record: FormatRecord, scratch?: Scratch): StoredMessage | Promise<StoredMessage> {
    const message = this.files.read(record, (path, name) => openMessageFile(path, name, scratch))
    return this.#mayBePacked ? unpacked(message, sizeInName(own(record).entry.base, 'S')) : message
  }

  /** What is compressed has no beginning to be read. */
  get readHead(): ((record: FormatRecord, into: Buffer) => number) | undefined {
    return this.#mayBePacked ? undefined : (record, into) => this.files.read(record, (path) => readHead(path, into))
  }

  get #mayBePacked(): boolean {
    return this.state.place.context.settings.mail_plugins?.includes('zlib') === true
  }

  /** As Dovecot without a cache: changes of flags count as saving. */
  savedDate(record: FormatRecord): number {
    return this.files.read(record, (path) => statSync(path).ctimeMs)
  }

  internalDate(record: FormatRecord): number {
    return this.files.read(record, (path) => statSync(path).mtimeMs)
  }

  sizeOf(record: FormatRecord): number | undefined {
    if (this.#hasBrokenSizes) return undefined
    const { entry } = own(record)
    const text = extensionOf(entry, 'W')
    return sizeInName(entry.base, 'W') ?? (text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined)
  }

  storedSizeOf(record: FormatRecord): number | undefined {
    return this.#hasBrokenSizes ? undefined : sizeInName(own(record).entry.base, 'S')
  }

  get #hasBrokenSizes(): boolean {
    return this.state.place.context.settings.maildir_broken_filename_sizes === true
  }

  keyOf(record: FormatRecord): string {
    return own(record).base
  }

  identity(record: FormatRecord): MessageIdentity {
    const { base, entry } = own(record)
    const kept = extensionOf(entry, 'P')
    // Without a value it is the name: Dovecot writes it so.
    return { fileName: base, guid: extensionOf(entry, 'G') ?? base, pop3Uidl: kept === '' ? base : kept }
  }

  async keepPop3Uidls(uidls: ReadonlyMap<FormatRecord, string>): Promise<void> {
    try {
      await this.#change(async () => {
        for (const [record, uidl] of uidls) this.state.setPop3Uidl(own(record), uidl)
        await this.state.uidlist.rewriteWhenNeeded()
      })
    } catch (error) {
      throw refusalOfFullDisk(error)
    }
  }

  beginAppend(): Promise<FormatAppending> {
    this.#refuseWhenReadOnly()
    return Promise.resolve(new MaildirAppending(this))
  }

  /** One that was read has to be read again before each commit: another one, opened anew, need not be. */
  takesMore(): boolean {
    return !this.#loaded && !this.readOnly && existsSync(`${this.state.place.mail}/cur`)
  }

  watch(listener: () => void): () => void {
    return watchDirectories([this.state.newStamp.path, this.state.curStamp.path], listener)
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #refuseWhenReadOnly(): void {
    if (this.readOnly) throw new StoreRefusal('read-only', 'Mailbox is read-only')
  }
}

function notThere(): Error {
  return Object.assign(new Error('not there'), { code: 'ENOENT' })
}
