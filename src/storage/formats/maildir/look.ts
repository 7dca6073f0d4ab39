import type { Stats } from 'node:fs'
import { setImmediate as yieldToOthers } from 'node:timers/promises'
import { StoreRefusal } from '../../refusal.ts'
import { arrivalSeconds, compareArrival } from './file-name.ts'
import { separateDuplicate } from './duplicate.ts'
import type { MailboxState } from './mailbox-state.ts'
import type { MaildirRecord } from './record.ts'
import { fileNames, foundFile, moveNewFiles, type FoundFile } from './scan.ts'
import type { UidlistRecord } from './uidlist-text.ts'

/** How a mailbox is looked at. */
export interface LookOptions {
  /** Leaves new mail in `new`, so that it stays recent for whoever comes next. */
  readonly keepNew: boolean
  /** The caller holds the lock, and new files may get UIDs. */
  readonly locked: boolean
  /** Read both directories whatever their times say. */
  readonly force: boolean
}

/** A file that has a UID. */
type ListedFile = readonly [entry: UidlistRecord, file: FoundFile]

/** A file that is gone and comes back under another name is looked for so often. */
const RESCANS = 3
/** A directory changed within this time may have been changed once more without another timestamp. */
const TIMESTAMP_MS = 10
/** Files looked at between two turns of the event loop. */
const FILES_A_TURN = 4096

/** Scans are numbered over all mailboxes: what counts is that numbers differ. */
let scans = 0

/** Which directories may hold something else than what is known. Refuses when the mailbox is gone. */
export function whatIsDue(state: MailboxState): {
  readonly newer: boolean
  readonly cur: boolean
  readonly list: boolean
} {
  const now = state.nowMs
  const { newer, cur } = directoryStats(state)
  return {
    newer: state.newStamp.isUncertain || state.newStamp.isDue(newer, now),
    cur: state.curStamp.isDue(cur, now),
    list: state.uidlist.changed(),
  }
}

/** Reads what changed in the mailbox's directories into its state. */
export class Look {
  readonly #state: MailboxState
  readonly #options: LookOptions
  readonly #scan = ++scans
  readonly #unknown: FoundFile[] = []
  /** Files not known yet that have UIDs. */
  readonly #listed: ListedFile[] = []
  /** The uidlist was written anew by somebody, or put back. */
  #reread = false

  constructor(state: MailboxState, options: LookOptions) {
    this.#state = state
    this.#options = options
  }

  async run(): Promise<void> {
    const state = this.#state
    await this.#refreshLists()
    // A uidlist is only written anew by who knows all files.
    const all = this.#options.force || state.uidlist.needsRewrite || this.#reread
    const due = all ? { newer: true, cur: true } : whatIsDue(state)
    const now = state.nowMs
    const before = directoryStats(state)
    if (due.newer) await this.#readNew(before.newer)
    const lostNew = due.newer && [...state.inNew].some(({ scan }) => scan !== this.#scan)
    const readCur = due.cur || lostNew
    if (readCur) await this.#readCur(before.cur)
    await this.#takeUnknown()
    this.#dropMissing(due.newer, readCur)
    this.#remember(before, due.newer, readCur, now)
    await this.#tidy(readCur && due.newer)
  }

  async #refreshLists(): Promise<void> {
    const { uidlist } = this.#state
    const { generation, uidValidity, guid } = uidlist
    await uidlist.refresh()
    // Another mailbox has this name now: its messages have nothing to do with those that were here.
    const other = uidlist.uidValidity !== uidValidity || (guid !== '' && uidlist.guid !== '' && uidlist.guid !== guid)
    if (other) this.#state.reset()
    else if (uidlist.generation !== generation) {
      this.#state.dropRenumbered()
      this.#reread = true
    }
    this.#state.refreshKeywords()
  }

  async #readNew(stat: Stats): Promise<void> {
    const { mail } = this.#state.place
    const names = await fileNames(`${mail}/new`, stat)
    const stay = this.#options.keepNew || !this.#options.locked
    const files = stay ? names.map((name) => foundFile(name, true)) : await moveNewFiles(mail, names)
    for (const file of files) this.#note(file)
  }

  /** Reads `cur`, again when files that were there are missing and the directory was changed meanwhile. */
  async #readCur(stat: Stats): Promise<void> {
    let before = stat
    for (let attempt = 0; attempt <= RESCANS; attempt++) {
      const names = await fileNames(this.#state.curStamp.path, before)
      await inTurns(names, (name) => this.#note(foundFile(name, false)))
      const after = directoryStats(this.#state).cur
      const still = after.mtimeMs === before.mtimeMs && this.#state.nowMs - after.mtimeMs > TIMESTAMP_MS
      if (still || this.#missing(() => true).length === 0) return
      before = after
    }
  }

  #note(file: FoundFile): void {
    const record = this.#state.byBase.get(file.base)
    if (record === undefined) {
      this.#unknown.push(file)
      return
    }
    const twice = record.scan === this.#scan && (record.info !== file.info || record.isNew !== file.isNew)
    if (twice && separateDuplicate(this.#state.place, record, file)) return
    record.scan = this.#scan
    if (file.moved) this.#state.pending.markRecent(record)
    this.#state.found(record, file)
  }

  async #takeUnknown(): Promise<void> {
    if (this.#unknown.length === 0) return
    const fresh: FoundFile[] = []
    await inTurns(this.#unknown, (file) => {
      const entry = this.#state.uidlist.byBase.get(file.base)
      if (entry === undefined) fresh.push(file)
      else if (entry.uid > this.#state.highestUid) this.#listed.push([entry, file])
      else if (this.#options.locked) fresh.push(this.#reappeared(entry, file))
    })
    this.#listed.sort(([one], [other]) => one.uid - other.uid)
    const listed = withoutTwice<ListedFile>(
      this.#listed,
      ([one], [other]) => one === other,
      ([entry, first], [, second]) => [entry, this.#oneOf(first, second)],
    )
    await inTurns(listed, ([entry, file]) => this.#add(entry, file, file.isNew || file.moved))
    if (fresh.length > 0 && this.#options.locked) await this.#giveUids(fresh)
  }

  async #giveUids(found: readonly FoundFile[]): Promise<void> {
    const files = withoutTwice(
      inOrderOfArrival(found),
      (one, other) => one.base === other.base,
      (first, second) => this.#oneOf(first, second),
    )
    const entries = await this.#state.addEntries(files.map(({ base }) => ({ base, extensions: '' })))
    for (const [index, entry] of entries.entries()) this.#add(entry, files[index] as FoundFile, true)
  }

  /** Sessions were told that it is gone, or were told of higher UIDs: it is another message now. */
  #reappeared(entry: UidlistRecord, file: FoundFile): FoundFile {
    const { place, uidlist } = this.#state
    place.context.log(
      'warning',
      `Maildir ${place.mail}: Expunged message reappeared, giving a new UID (old uid=${entry.uid}, file=${file.base}${file.info})`,
    )
    uidlist.drop(file.base)
    return file
  }

  /** Of two files with one base name: that which keeps it. The one seen last counts, when it was one under two names. */
  #oneOf(first: FoundFile, second: FoundFile): FoundFile {
    const twice = first.info !== second.info || first.isNew !== second.isNew
    const { place } = this.#state
    if (twice && separateDuplicate(place, { fileName: first.base + first.info, isNew: first.isNew }, second))
      return first
    return { ...second, moved: second.moved || first.moved }
  }

  #add(entry: UidlistRecord, file: FoundFile, recent: boolean): void {
    this.#state.add(entry, file, recent).scan = this.#scan
  }

  #missing(where: (record: MaildirRecord) => boolean): MaildirRecord[] {
    const missing: MaildirRecord[] = []
    for (const record of this.#state.byBase.values()) {
      if (record.scan !== this.#scan && where(record)) missing.push(record)
    }
    return missing
  }

  #dropMissing(readNew: boolean, readCur: boolean): void {
    if (!readCur) return
    for (const record of this.#missing(({ isNew }) => !isNew || readNew)) this.#state.remove(record)
  }

  /** As of before reading, unless the changes since are our own. */
  #remember(before: ReturnType<typeof directoryStats>, readNew: boolean, readCur: boolean, nowMs: number): void {
    const { newStamp, curStamp } = this.#state
    const moved = readNew && this.#options.locked && !this.#options.keepNew
    if (readNew && moved) newStamp.rememberNow(nowMs)
    else if (readNew) newStamp.remember(before.newer, nowMs)
    if (readCur && !moved) curStamp.remember(before.cur, nowMs)
    else if (readCur || moved) curStamp.rememberNow(nowMs)
  }

  /** Writes the uidlist anew when need be. Lines of files that were not seen are only dropped when everything was looked at. */
  async #tidy(sawAll: boolean): Promise<void> {
    const { uidlist, byBase, keywords } = this.#state
    if (!this.#options.locked) return
    if (this.#reread) this.#state.restoreLines()
    const stale = sawAll && uidlist.isStale(byBase.size)
    if (stale || (sawAll && uidlist.needsRewrite)) await uidlist.rewrite([...this.#state.entries()])
    else await uidlist.rewriteWhenNeeded()
    await keywords.commit()
  }
}

/** The order in which new files get UIDs. */
function inOrderOfArrival(files: readonly FoundFile[]): FoundFile[] {
  const order = files.map((file) => ({ file, seconds: arrivalSeconds(file.base) }))
  order.sort(
    (one, other) =>
      one.seconds - other.seconds ||
      compareArrival(one.file.base, other.file.base) ||
      // Files of one base name lie side by side, those found first in front.
      (one.file.base < other.file.base ? -1 : one.file.base > other.file.base ? 1 : 0),
  )
  return order.map(({ file }) => file)
}

/** Neighbours that are the same become one. */
function withoutTwice<T>(
  all: readonly T[],
  isSame: (one: T, other: T) => boolean,
  merge: (first: T, second: T) => T,
): readonly T[] {
  if (!all.some((one, index) => index > 0 && isSame(all[index - 1] as T, one))) return all
  const once: T[] = []
  for (const one of all) {
    const last = once.at(-1)
    if (last !== undefined && isSame(last, one)) once[once.length - 1] = merge(last, one)
    else once.push(one)
  }
  return once
}

/** Does something with each of many, others having their turn in between. */
async function inTurns<T>(all: readonly T[], work: (one: T) => void): Promise<void> {
  for (const [index, one] of all.entries()) {
    if (index % FILES_A_TURN === FILES_A_TURN - 1) await yieldToOthers()
    work(one)
  }
}

function directoryStats({ newStamp, curStamp, place }: MailboxState): { readonly newer: Stats; readonly cur: Stats } {
  const newer = newStamp.stat()
  const cur = curStamp.stat()
  if (newer === undefined || cur === undefined) {
    throw new StoreRefusal('not-found', `Mailbox doesn't exist: ${place.name}`)
  }
  return { newer, cur }
}
