import type { FlagTable, FormatChanges } from '../format.ts'
import type { Flags } from '../../flags.ts'
import { extraKeywords, hasExtraKeywords, withExtraKeywords } from './extra-keywords.ts'
import { parseInfo } from './file-name.ts'
import { KeywordFile } from './keywords.ts'
import type { MailboxPlace } from './mailbox-place.ts'
import { PendingChanges } from './pending.ts'
import { MaildirRecord } from './record.ts'
import type { FoundFile } from './scan.ts'
import { DirectoryStamp } from './stamp.ts'
import { Uidlist } from './uidlist.ts'
import { type UidlistRecord, withPop3Uidl } from './uidlist-text.ts'

/** What is known of one mailbox: its files as they were seen last, and the changes its owner was not told yet. */
export class MailboxState {
  readonly place: MailboxPlace
  readonly uidlist: Uidlist
  readonly keywords: KeywordFile
  readonly byBase = new Map<string, MaildirRecord>()
  readonly pending = new PendingChanges()
  readonly newStamp: DirectoryStamp
  readonly curStamp: DirectoryStamp
  /** The highest UID its owner was told of: new ones must be higher. */
  highestUid = 0
  /** Those whose file lies in `new`. */
  readonly inNew = new Set<MaildirRecord>()
  /** Messages whose flags on disk may be others than their owner thinks. */
  readonly doubtful = new Set<MaildirRecord>()
  readonly #table: FlagTable
  /** By info part: most messages have one of a few. */
  readonly #flagsByInfo = new Map<string, Flags>()
  /** Keywords that have no letter. */
  readonly #extraKeywords = new Set<string>()

  constructor(place: MailboxPlace, table: FlagTable) {
    this.place = place
    this.#table = table
    this.uidlist = new Uidlist({ ...place, directory: place.control })
    this.keywords = new KeywordFile(place.control, place.context, place.syncing)
    this.newStamp = new DirectoryStamp(`${place.mail}/new`)
    this.curStamp = new DirectoryStamp(`${place.mail}/cur`)
  }

  get nowMs(): number {
    return this.place.context.now()
  }

  /** The flags that a file name and its line in the uidlist tell. */
  flagsOf(info: string, { extensions }: UidlistRecord): Flags {
    if (extensions !== '' && hasExtraKeywords(extensions)) return this.#makeFlags(info, extraKeywords(extensions))
    const known = this.#flagsByInfo.get(info)
    if (known !== undefined) return known
    const flags = this.#makeFlags(info, [])
    this.#flagsByInfo.set(info, flags)
    return flags
  }

  #makeFlags(info: string, extra: readonly string[]): Flags {
    const { bits, letters } = parseInfo(info)
    for (const keyword of extra) this.#extraKeywords.add(keyword)
    return this.#table.flags(bits, [...letters.map((number) => this.keywords.name(number)), ...extra])
  }

  /** All keywords in use: those with letters first. */
  get allKeywords(): readonly string[] {
    return this.#extraKeywords.size === 0 ? this.keywords.list() : [...this.keywords.list(), ...this.#extraKeywords]
  }

  /** Keywords have other names now: flags are read from the names again. */
  refreshKeywords(): void {
    if (!this.keywords.refresh()) return
    this.#flagsByInfo.clear()
    for (const record of this.byBase.values()) this.#readFlags(record)
  }

  /** A file of a message that is known. */
  found(record: MaildirRecord, file: FoundFile): void {
    const sameName = record.info === file.info
    this.located(record, file)
    if (!sameName) this.#readFlags(record)
  }

  /** Where a message's file is. */
  located(record: MaildirRecord, { info, isNew }: { readonly info: string; readonly isNew: boolean }): void {
    record.info = info
    record.isNew = isNew
    if (isNew) this.inNew.add(record)
    else this.inNew.delete(record)
  }

  /** Whoever sees a message's flags sees the MODSEQ that belongs to them: its owner changes both at once. */
  #readFlags(record: MaildirRecord): void {
    const flags = this.flagsOf(record.info, record.entry)
    if (record.flags === flags) return
    if (this.pending.isNew(record)) record.flags = flags
    else this.pending.changeFlags(record)
  }

  /** What its owner was not told yet. */
  drain(): FormatChanges {
    return this.pending.drain(({ info, entry }) => this.flagsOf(info, entry))
  }

  /** A message has this base name here, or had it. */
  hasBase(base: string): boolean {
    return this.uidlist.byBase.has(base) || this.byBase.has(base)
  }

  /** Keyword numbers, ascending; new ones are made. `extra`: those for which no letter is left. */
  lettersOf(keywords: readonly string[]): { readonly letters: number[]; readonly extra: string[] } {
    const letters = new Set<number>()
    const extra: string[] = []
    for (const keyword of keywords) {
      const number = this.keywords.numberFor(keyword)
      if (number === undefined) extra.push(keyword)
      else letters.add(number)
    }
    return { letters: [...letters].sort((one, other) => one - other), extra }
  }

  /** Gives a message other keywords without letters: another line in the uidlist, which is to be rewritten. */
  setExtraKeywords(record: MaildirRecord, extra: readonly string[]): void {
    const extensions = withExtraKeywords(record.entry.extensions, extra)
    if (extensions === record.entry.extensions) return
    record.entry = this.uidlist.replace({ ...record.entry, extensions })
  }

  /** Keeps a message's POP3 UIDL in its line of the uidlist, which is to be rewritten. */
  setPop3Uidl(record: MaildirRecord, uidl: string): void {
    if (this.byBase.get(record.base) !== record) return
    const extensions = withPop3Uidl(record.entry, uidl)
    if (extensions === record.entry.extensions) return
    record.entry = this.uidlist.replace({ ...record.entry, extensions })
  }

  /** Gives UIDs to new messages, on disk when it resolves. The caller holds the lock. */
  async addEntries(files: readonly { readonly base: string; readonly extensions: string }[]): Promise<UidlistRecord[]> {
    const entries = this.uidlist.assign(files)
    try {
      await this.uidlist.append(entries)
      return entries
    } catch (error) {
      for (const { base } of entries) this.uidlist.byBase.delete(base)
      this.uidlist.forget()
      throw error
    }
  }

  add(entry: UidlistRecord, file: FoundFile, recent: boolean): MaildirRecord {
    if (entry.uid > this.highestUid) this.highestUid = entry.uid
    const record = new MaildirRecord(entry, file.info, file.isNew, this.flagsOf(file.info, entry))
    this.byBase.set(entry.base, record)
    if (file.isNew) this.inNew.add(record)
    this.pending.add(record, recent)
    return record
  }

  remove(record: MaildirRecord): void {
    this.forget(record)
    this.pending.expunge(record)
  }

  /** Its owner is told otherwise that it is gone. */
  forget(record: MaildirRecord): void {
    if (this.byBase.get(record.base) === record) this.byBase.delete(record.base)
    this.doubtful.delete(record)
    this.inNew.delete(record)
    this.pending.forget(record)
  }

  /** Reads the flags of doubtful messages from their names. */
  settleDoubts(): void {
    for (const record of this.doubtful) this.#readFlags(record)
    this.doubtful.clear()
  }

  /** After the uidlist was read anew: messages whose UID is another now are others. */
  dropRenumbered(): void {
    for (const record of this.byBase.values()) {
      const entry = this.uidlist.byBase.get(record.base)
      if (entry === undefined) continue
      if (entry.uid !== record.uid) {
        this.remove(record)
        continue
      }
      const told = record.entry.extensions
      record.entry = entry
      if (entry.extensions !== told) this.#readFlags(record)
    }
  }

  /** Lines that somebody took out of the uidlist though their messages are there go back in. */
  restoreLines(): void {
    const lost = [...this.byBase.values()].filter(({ base }) => !this.uidlist.byBase.has(base))
    if (lost.length === 0) return
    const taken = new Set([...this.uidlist.byBase.values()].map(({ uid }) => uid))
    for (const record of lost) {
      // Somebody else has its UID now: it will get another one.
      if (taken.has(record.uid)) this.remove(record)
      else this.uidlist.replace(record.entry)
      this.curStamp.forget()
    }
  }

  /** All messages are gone, and UIDs begin anew. */
  reset(): void {
    for (const record of this.byBase.values()) this.remove(record)
    this.highestUid = 0
  }

  /** The lines the uidlist must keep. */
  *entries(): Iterable<UidlistRecord> {
    for (const record of this.byBase.values()) yield record.entry
  }
}
