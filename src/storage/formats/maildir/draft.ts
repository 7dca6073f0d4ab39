import { closeSync, futimesSync, openSync, write, writeSync } from 'node:fs'
import type { NewMessage } from '../../store.ts'
import { removeFile } from './disk.ts'
import { LineEnds } from './line-ends.ts'
import type { MailboxPlace } from './mailbox-place.ts'
import { adjustFile, permissionsOf } from './permissions.ts'
import { uniqueName } from './unique-name.ts'

/** A message up to this size is written in one piece when it is whole; longer ones as they come. */
const BUFFER_BYTES = 256 * 1024

/** What `commit` needs to know of a message in `tmp`. */
export interface TemporaryMessage {
  /** Its file, in `tmp`. */
  readonly path: string
  /** Its base name to be, sizes included. */
  readonly base: string
  /** Fields of its line in the uidlist. */
  readonly extensions: string
  /** It is a hard link: its base name may be taken. */
  readonly linkedFrom: string | undefined
  readonly bits: number
  readonly keywords: readonly string[]
}

/** A message being written to `tmp`. */
export class Draft {
  readonly #place: MailboxPlace
  readonly #message: NewMessage
  readonly #name: string
  readonly #path: string
  readonly #ends: LineEnds
  #buffered: Buffer[] = []
  #bufferedBytes = 0
  #fd: number | undefined

  constructor(place: MailboxPlace, message: NewMessage) {
    this.#place = place
    this.#message = message
    this.#name = uniqueName(place.context.hostname)
    this.#path = `${place.mail}/tmp/${this.#name}`
    this.#ends = new LineEnds(place.context.settings.mail_save_crlf)
  }

  write(chunk: Uint8Array): void | Promise<void> {
    const bytes = Buffer.isBuffer(chunk) ? chunk : Buffer.from(chunk.buffer, chunk.byteOffset, chunk.length)
    this.#buffer(this.#ends.convert(bytes))
    if (this.#bufferedBytes >= BUFFER_BYTES) return this.#flush()
  }

  /** The whole message is on disk when `synced` resolves. */
  async end(): Promise<{ readonly message: TemporaryMessage; readonly synced: Promise<void> }> {
    this.#buffer(this.#ends.finish())
    if (this.#fd === undefined) this.#writeAtOnce()
    else await this.#flush()
    const fd = this.#open()
    const { internalDateMs } = this.#message
    // As a number, a time before 1970 would be taken for now.
    if (internalDateMs !== undefined) futimesSync(fd, new Date(this.#place.context.now()), new Date(internalDateMs))
    const synced = this.#place.syncing.file(fd).finally(() => closeSync(fd))
    synced.catch(() => undefined)
    this.#fd = undefined
    return { message: this.#temporary(), synced }
  }

  abort(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
    removeFile(this.#path)
  }

  #temporary(): TemporaryMessage {
    const { bits, keywords } = this.#message
    const base = `${this.#name},S=${this.#ends.sizeBytes},W=${this.#ends.virtualBytes}`
    return { path: this.#path, base, extensions: '', linkedFrom: undefined, bits, keywords }
  }

  #buffer(bytes: Buffer): void {
    if (bytes.length === 0) return
    this.#buffered.push(bytes)
    this.#bufferedBytes += bytes.length
  }

  #take(): Buffer {
    const bytes = this.#buffered.length === 1 ? (this.#buffered[0] as Buffer) : Buffer.concat(this.#buffered)
    this.#buffered = []
    this.#bufferedBytes = 0
    return bytes
  }

  #writeAtOnce(): void {
    const fd = this.#open()
    const bytes = this.#take()
    for (let at = 0; at < bytes.length; ) at += writeSync(fd, bytes, at)
  }

  async #flush(): Promise<void> {
    const fd = this.#open()
    const bytes = this.#take()
    for (let at = 0; at < bytes.length; ) at += await writeSome(fd, bytes, at)
  }

  #open(): number {
    if (this.#fd !== undefined) return this.#fd
    const permissions = permissionsOf(this.#place.mail)
    this.#fd = openSync(this.#path, 'wx', permissions.fileMode)
    adjustFile(this.#fd, permissions)
    return this.#fd
  }
}

function writeSome(fd: number, bytes: Buffer, from: number): Promise<number> {
  return new Promise((resolve, reject) =>
    write(fd, bytes, from, bytes.length - from, null, (error, count) =>
      error === null ? resolve(count) : reject(error),
    ),
  )
}
