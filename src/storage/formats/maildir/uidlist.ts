import { randomBytes } from 'node:crypto'
import { closeSync, openSync, readSync, fstatSync, renameSync, statSync, writeSync, type Stats } from 'node:fs'
import { setImmediate as yieldToOthers } from 'node:timers/promises'
import type { FormatContext, HeaderChanges } from '../format.ts'
import { removeFile, type Syncing } from './disk.ts'
import { adjustFile, permissionsOf } from './permissions.ts'
import { readEnds } from './uidlist-ends.ts'
import {
  parseHeader,
  parseRecord,
  writeHeader,
  writeRecord,
  type UidlistHeader,
  type UidlistRecord,
} from './uidlist-text.ts'

// `dovecot-uidlist` says which file has which UID. Rules to keep:
// - it is changed only by who holds `dovecot-uidlist.lock`; reading needs no lock;
// - new records are appended with one write; a new file is written beside it and renamed over it;
// - UIDs only grow, also when the file is broken: what was read before the damage stays, and the header's next UID counts.

export interface UidlistNeeds {
  /** The mailbox's control directory. */
  readonly directory: string
  readonly context: FormatContext
  readonly syncing: Syncing
  /** A UIDVALIDITY for a list that has none. */
  readonly newUidValidity: () => number
}

/** Dovecot's UIDLIST_COMPRESS_PERCENTAGE: rewritten when a quarter of the lines is of messages that are gone. */
const COMPRESS_PERCENT = 75
/** Lines read between two turns of the event loop. */
const LINES_A_TURN = 4096

export class Uidlist {
  readonly path: string
  uidValidity = 0
  nextUid = 1
  guid = ''
  /** By base name. */
  readonly byBase = new Map<string, UidlistRecord>()
  /** Something is wrong with the file, or changed that cannot be appended: whoever has the lock next rewrites it. */
  needsRewrite = false
  /** Counts how often the file was read from its beginning: UIDs of known names may be others then. */
  generation = 0
  readonly #needs: UidlistNeeds
  #extensions = ''
  #version = 3
  #lines = 0
  #lastUid = 0
  /** Bytes read so far, all of whole lines. */
  #offset = 0
  #inode = -1
  #size = -1
  #mtimeMs = 0
  /** Size and inode of the file when only its ends were read. */
  #peekedBytes = 0
  #peekedInode = -1

  constructor(needs: UidlistNeeds) {
    this.#needs = needs
    this.path = `${needs.directory}/dovecot-uidlist`
  }

  /** As far as it was seen, be it only its ends. */
  get sizeBytes(): number {
    return Math.max(this.#size, this.#peekedBytes)
  }

  /** It has been read once. */
  get loaded(): boolean {
    return this.#inode !== -1 || this.uidValidity !== 0
  }

  /** Whether the file is another or longer than when it was read. */
  changed(): boolean {
    const stat = statSync(this.path, { throwIfNoEntry: false })
    return stat === undefined ? this.#inode !== -1 || !this.loaded : !this.#isRead(stat)
  }

  /**
   * Reads only its beginning and its end, when nothing more was read yet: enough to give UIDs to new messages. False when
   * it must be read whole.
   */
  peek(): boolean {
    if (this.#inode !== -1) return false
    if (this.#isPeeked()) return true
    const ends = readEnds(this.path)
    if (ends === undefined) return false
    this.uidValidity = ends.header.uidValidity
    this.guid = ends.header.guid ?? ''
    this.nextUid = Math.max(this.nextUid, ends.header.nextUid, ends.lastUid + 1)
    this.#peekedBytes = ends.sizeBytes
    this.#peekedInode = ends.inode
    return true
  }

  /** Whoever adds a line makes it longer, whoever removes one writes another file. */
  #isPeeked(): boolean {
    if (this.#peekedBytes === 0) return false
    const stat = statSync(this.path, { throwIfNoEntry: false })
    return stat?.ino === this.#peekedInode && stat.size === this.#peekedBytes
  }

  /** Reads what is new in the file. */
  async refresh(): Promise<void> {
    const stat = statSync(this.path, { throwIfNoEntry: false })
    if (stat === undefined) return this.#missing()
    if (this.#isRead(stat)) return
    const fd = openSync(this.path, 'r')
    try {
      const opened = fstatSync(fd)
      const more = opened.ino === this.#inode && opened.size > this.#offset && this.#offset > 0
      if (!more || !(await this.#read(fd, opened))) await this.#readAll(fd, opened)
    } finally {
      closeSync(fd)
    }
  }

  #isRead(stat: Stats): boolean {
    return stat.ino === this.#inode && stat.size === this.#size && stat.mtimeMs === this.#mtimeMs
  }

  /** What it said is kept, so that messages keep their UIDs when somebody removed it. */
  #missing(): void {
    this.#inode = -1
    this.#offset = 0
    this.#peekedBytes = 0
    this.#lines = 0
    this.needsRewrite = true
  }

  async #readAll(fd: number, stat: Stats): Promise<void> {
    this.#peekedBytes = 0
    const known = { uidValidity: this.uidValidity, nextUid: this.nextUid }
    this.byBase.clear()
    this.generation++
    this.#offset = 0
    this.#lines = 0
    this.#lastUid = 0
    this.needsRewrite = false
    await this.#read(fd, stat)
    // Lower than it was: somebody restored an old copy.
    if (this.uidValidity === known.uidValidity && this.nextUid < known.nextUid) {
      this.#needs.context.log('error', `${this.path}: next_uid was lowered (${known.nextUid} -> ${this.nextUid})`)
      this.nextUid = known.nextUid
      this.needsRewrite = true
    }
  }

  /** Reads from the offset on. False when the bytes behind the offset do not continue what was read. */
  async #read(fd: number, stat: Stats): Promise<boolean> {
    const text = readFrom(fd, this.#offset, stat.size)
    const again = this.#offset > 0
    let from = 0
    for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', from)) {
      const complaint = this.#take(text.slice(from, text[end - 1] === '\r' ? end - 1 : end))
      if (complaint !== undefined) {
        if (again) return false
        this.#broken(complaint)
        break
      }
      from = end + 1
      this.#lines++
      if (this.#lines % LINES_A_TURN === 0) await yieldToOthers()
    }
    this.#offset += from
    this.#inode = stat.ino
    this.#size = stat.size
    this.#mtimeMs = stat.mtimeMs
    if (this.nextUid <= this.#lastUid) this.nextUid = this.#lastUid + 1
    if (this.guid === '' || this.#lines === 0) this.needsRewrite = true
    return true
  }

  #take(line: string): string | undefined {
    if (this.#lines === 0) return this.#takeHeader(parseHeader(line))
    const record = parseRecord(line, this.#version)
    if ('complaint' in record) return record.complaint
    if (record.uid <= this.#lastUid) return `UIDs not ordered (${record.uid} >= ${this.#lastUid})`
    this.#lastUid = record.uid
    if (record.repaired) this.#wrong(`Invalid extension record, removing: ${line}`)
    const old = this.byBase.get(record.base)
    if (old !== undefined) this.#wrong(`Duplicate file entry: ${record.base} (uid ${old.uid} -> ${record.uid})`)
    this.byBase.set(record.base, record)
    return undefined
  }

  #takeHeader(header: ReturnType<typeof parseHeader>): string | undefined {
    if ('complaint' in header) return header.complaint
    this.uidValidity = header.uidValidity
    this.nextUid = header.nextUid
    this.guid = header.guid ?? ''
    this.#extensions = header.extensions
    this.#version = header.version
    if (header.version !== 3) this.needsRewrite = true
    return undefined
  }

  #wrong(text: string): void {
    this.#needs.context.log('warning', `${this.path}: ${text} at line ${this.#lines + 1}`)
    this.needsRewrite = true
  }

  #broken(complaint: string): void {
    this.#needs.context.log('error', `Broken file ${this.path} line ${this.#lines + 1}: ${complaint}`)
    this.needsRewrite = true
  }

  /** Whether so many lines are of messages that are gone that it is to be written anew. */
  isStale(live: number): boolean {
    const records = this.#lines - 1
    return records > live && Math.floor((records * COMPRESS_PERCENT) / 100) >= live
  }

  /** Gives the next UIDs to new base names, in this order. Nothing is written. */
  assign(bases: readonly { readonly base: string; readonly extensions: string }[]): UidlistRecord[] {
    this.#prepare()
    return bases.map(({ base, extensions }) => {
      const record = { uid: this.nextUid++, base, extensions }
      this.#lastUid = record.uid
      this.byBase.set(base, record)
      return record
    })
  }

  /** Puts another line in the place of the one with this name. */
  replace(record: UidlistRecord): UidlistRecord {
    this.byBase.set(record.base, record)
    this.needsRewrite = true
    return record
  }

  /** What the first line says; UIDs only grow. */
  change({ uidValidity, minNextUid, guid }: HeaderChanges): void {
    this.uidValidity = uidValidity ?? this.uidValidity
    this.guid = guid ?? this.guid
    this.nextUid = Math.max(this.nextUid, minNextUid ?? 0)
    this.needsRewrite = true
  }

  /** Takes out the line of a name: its message is to get another UID. */
  drop(base: string): void {
    this.byBase.delete(base)
    this.needsRewrite = true
  }

  /** Forgets what was read: what could not be written must not be believed. */
  forget(): void {
    this.#inode = -1
    this.#offset = 0
    this.#peekedBytes = 0
  }

  /** Writes records that `assign` gave; on disk when it resolves. The caller holds the lock. */
  async append(records: readonly UidlistRecord[]): Promise<void> {
    if (this.#inode === -1 && this.#peekedBytes > 0) return this.#appendUnread(records)
    if (this.#inode === -1 || this.#offset !== this.#size) this.needsRewrite = true
    if (this.needsRewrite) return this.rewriteWhenNeeded()
    const fd = openSync(this.path, 'r+')
    try {
      const text = records.map(writeRecord).join('')
      writeSync(fd, text, this.#size, 'latin1')
      this.#remember(fstatSync(fd), this.#lines + records.length)
      await this.#needs.syncing.data(fd)
    } finally {
      closeSync(fd)
    }
  }

  /** To a list of which only the ends are known; it is read whole when that is needed. */
  async #appendUnread(records: readonly UidlistRecord[]): Promise<void> {
    const fd = openSync(this.path, 'r+')
    try {
      writeSync(fd, records.map(writeRecord).join(''), this.#peekedBytes, 'latin1')
      this.#peekedBytes = fstatSync(fd).size
      await this.#needs.syncing.data(fd)
      this.byBase.clear()
    } finally {
      closeSync(fd)
    }
  }

  /** Writes the list anew, with these records only. The caller holds the lock. */
  async rewrite(records: UidlistRecord[]): Promise<void> {
    this.#prepare()
    records.sort((one, other) => one.uid - other.uid)
    const text = writeHeader(this.#header()) + records.map(writeRecord).join('')
    const temporary = `${this.path}.tmp`
    const permissions = permissionsOf(this.#needs.directory)
    const fd = openSync(temporary, 'w', permissions.fileMode)
    try {
      adjustFile(fd, permissions)
      writeSync(fd, text, 0, 'latin1')
      await this.#needs.syncing.data(fd)
      renameSync(temporary, this.path)
      this.#remember(fstatSync(fd), records.length + 1)
    } catch (error) {
      removeFile(temporary)
      throw error
    } finally {
      closeSync(fd)
    }
    this.#forgetOthers(records)
    this.needsRewrite = false
  }

  /** Writes the list anew with all its records, if something must change in it. The caller holds the lock. */
  async rewriteWhenNeeded(): Promise<void> {
    if (this.needsRewrite) await this.rewrite([...this.byBase.values()])
  }

  #prepare(): void {
    if (this.uidValidity === 0) this.uidValidity = this.#needs.newUidValidity()
    if (this.guid === '') this.guid = randomBytes(16).toString('hex')
  }

  #header(): UidlistHeader {
    const { uidValidity, nextUid, guid } = this
    return { version: 3, uidValidity, nextUid, guid, extensions: this.#extensions }
  }

  #remember(stat: Stats, lines: number): void {
    this.#inode = stat.ino
    this.#size = stat.size
    this.#offset = stat.size
    this.#mtimeMs = stat.mtimeMs
    this.#lines = lines
    this.#version = 3
  }

  #forgetOthers(records: readonly UidlistRecord[]): void {
    if (records.length === this.byBase.size) return
    this.byBase.clear()
    for (const record of records) this.byBase.set(record.base, record)
  }
}

function readFrom(fd: number, offset: number, size: number): string {
  const bytes = Buffer.allocUnsafe(Math.max(size - offset, 0))
  let filled = 0
  while (filled < bytes.length) {
    const count = readSync(fd, bytes, filled, bytes.length - filled, offset + filled)
    if (count === 0) break
    filled += count
  }
  return bytes.toString('latin1', 0, filled)
}
