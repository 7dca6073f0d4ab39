// What Dovecot's index files say of \Seen: the index and the log of its changes. Pure. Dovecot writes them in the byte order of its
// machine, which is asked for in the files themselves.

/** Messages by UID, and whether they are seen. */
export interface SeenState {
  /** 0: nothing said so. */
  uidValidity: number
  readonly messages: Map<number, boolean>
}

export interface IndexText {
  readonly state: SeenState
  readonly indexId: number
  /** The log, and where in it, from which on changes are not in the index. */
  readonly logSequence: number
  readonly logOffset: number
}

export interface LogHeader {
  readonly indexId: number
  readonly sequence: number
  /** Where the changes begin. */
  readonly offset: number
}

/** What keeps files from being read; the message is for the log. */
export class BadIndex extends Error {
  override readonly name = 'BadIndex'
}

const SEEN = 0x08
const LITTLE_ENDIAN = 0x01

/** `struct mail_index_header`. */
const INDEX_MAJOR = 7
const INDEX_HEADER_BYTES = 72
const UID_VALIDITY_AT = 24
const CORRUPTED = 0x01

/** Reads `dovecot.index`. Throws BadIndex. */
export function parseIndex(bytes: Buffer): IndexText {
  if (bytes.length < INDEX_HEADER_BYTES) throw new BadIndex('the header ends early')
  if (bytes[0] !== INDEX_MAJOR) throw new BadIndex(`version ${bytes[0]} is not known`)
  if (((bytes[12] ?? 0) & LITTLE_ENDIAN) === 0) throw new BadIndex('it is of a machine with another byte order')
  const word = (at: number): number => bytes.readUInt32LE(at)
  const [headerBytes, recordBytes, count] = [word(4), word(8), word(32)]
  if ((word(20) & CORRUPTED) !== 0) throw new BadIndex('Dovecot marked it as corrupted')
  if (headerBytes < INDEX_HEADER_BYTES || recordBytes < 8) throw new BadIndex('sizes in the header are wrong')
  if (headerBytes + recordBytes * count > bytes.length) throw new BadIndex('messages are missing at its end')
  const messages = new Map<number, boolean>()
  for (let at = headerBytes, left = count; left > 0; at += recordBytes, left -= 1)
    messages.set(word(at), ((bytes[at + 4] ?? 0) & SEEN) !== 0)
  return {
    state: { uidValidity: word(UID_VALIDITY_AT), messages },
    indexId: word(16),
    logSequence: word(60),
    logOffset: word(68),
  }
}

/** `struct mail_transaction_log_header`. */
const LOG_MAJOR = 1
const LOG_HEADER_BYTES = 40

/** Reads the beginning of `dovecot.index.log`. Throws BadIndex. */
export function parseLogHeader(bytes: Buffer): LogHeader {
  if (bytes.length < LOG_HEADER_BYTES) throw new BadIndex('the header ends early')
  if (bytes[0] !== LOG_MAJOR) throw new BadIndex(`version ${bytes[0]} is not known`)
  if (((bytes[32] ?? 0) & LITTLE_ENDIAN) === 0) throw new BadIndex('it is of a machine with another byte order')
  const offset = bytes.readUInt16LE(2)
  if (offset < 24 || offset > bytes.length) throw new BadIndex('sizes in the header are wrong')
  return { indexId: bytes.readUInt32LE(4), sequence: bytes.readUInt32LE(8), offset }
}

/** `enum mail_transaction_type`. */
const TYPE_MASK = 0x0f_ff_ff_ff
const EXTERNAL = 0x10_00_00_00
const EXPUNGE_PROTECTION = 0x00_00_cd_90
const TYPES = {
  expunge: 0x01 | EXPUNGE_PROTECTION,
  append: 0x02,
  flags: 0x04,
  header: 0x20,
  expungeGuid: 0x20_00 | EXPUNGE_PROTECTION,
  /** The mailbox is gone. */
  deleted: 0x02_00_00,
  boundary: 0x08_00_00,
} as const

/** Messages that are touched at most: a file of changes to everything, a million times, is nobody's mail. */
const MAX_STEPS = 20_000_000

/**
 * Applies the changes of a log from an offset on. A half-written end is no fault, as for Dovecot. Throws BadIndex, when what came
 * before it is applied.
 */
export function applyLog(state: SeenState, bytes: Buffer, from: number): void {
  const changes = new Changes(state)
  for (let at = from; at + 8 <= bytes.length; ) {
    const size = sizeAt(bytes, at)
    if (size === 0 || at + size > bytes.length) return
    if (size < 8) throw new BadIndex(`a change of ${size} bytes at ${at}`)
    const type = bytes.readUInt32LE(at + 4)
    const data = bytes.subarray(at + 8, at + size)
    // All that belongs together is there, or none of it counts.
    if ((type & TYPE_MASK) === TYPES.boundary && data.length >= 4 && at + data.readUInt32LE(0) > bytes.length) return
    changes.apply(type, data)
    at += size
  }
}

/** Sizes have the upper bit of each byte set when they are written as the last thing. 0: not written yet. */
function sizeAt(bytes: Buffer, at: number): number {
  let size = 0
  for (let byte = at; byte < at + 4; byte += 1) {
    const value = bytes[byte] ?? 0
    if ((value & 0x80) === 0) return 0
    size = size * 128 + (value & 0x7f)
  }
  return size * 4
}

class Changes {
  readonly #state: SeenState
  #steps = 0

  constructor(state: SeenState) {
    this.#state = state
  }

  apply(type: number, data: Buffer): void {
    const { messages } = this.#state
    switch (type & TYPE_MASK) {
      case TYPES.append:
        for (let at = 0; at + 8 <= data.length; at += 8) {
          this.#step(1)
          messages.set(data.readUInt32LE(at), ((data[at + 4] ?? 0) & SEEN) !== 0)
        }
        return
      case TYPES.flags:
        for (let at = 0; at + 12 <= data.length; at += 12) this.#mark(data, at)
        return
      case TYPES.expunge:
        // Without the bit it is what somebody wants to be done.
        if ((type & EXTERNAL) === 0) return
        for (let at = 0; at + 8 <= data.length; at += 8)
          this.#each(data.readUInt32LE(at), data.readUInt32LE(at + 4), (uid) => messages.delete(uid))
        return
      case TYPES.expungeGuid:
        if ((type & EXTERNAL) === 0) return
        for (let at = 0; at + 20 <= data.length; at += 20) messages.delete(data.readUInt32LE(at))
        return
      case TYPES.header:
        this.#header(data)
        return
      case TYPES.deleted:
        messages.clear()
        this.#state.uidValidity = 0
        return
      default:
    }
  }

  #mark(data: Buffer, at: number): void {
    const [added, removed] = [data[at + 8] ?? 0, data[at + 9] ?? 0]
    if (((added | removed) & SEEN) === 0) return
    const { messages } = this.#state
    const isSeen = (added & SEEN) !== 0
    this.#each(data.readUInt32LE(at), data.readUInt32LE(at + 4), (uid) => messages.set(uid, isSeen))
  }

  /** Fields of the index's header: offset, size and bytes, again and again. */
  #header(data: Buffer): void {
    for (let at = 0; at + 4 <= data.length; ) {
      const [offset, size] = [data.readUInt16LE(at), data.readUInt16LE(at + 2)]
      const inside = UID_VALIDITY_AT - offset
      if (inside >= 0 && inside + 4 <= size && at + 8 + inside <= data.length)
        this.#state.uidValidity = data.readUInt32LE(at + 4 + inside)
      at += 4 + size
    }
  }

  /** Messages that are there, of a range of UIDs. */
  #each(first: number, last: number, work: (uid: number) => void): void {
    const { messages } = this.#state
    if (last - first < messages.size) {
      this.#step(Math.max(last - first + 1, 1))
      for (let uid = first; uid <= last; uid += 1) if (messages.has(uid)) work(uid)
      return
    }
    this.#step(messages.size)
    for (const uid of messages.keys()) if (uid >= first && uid <= last) work(uid)
  }

  #step(count: number): void {
    this.#steps += count
    if (this.#steps > MAX_STEPS) throw new BadIndex('it changes too much')
  }
}
