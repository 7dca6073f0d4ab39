import { CrlfWriter } from '../../../../storage/message/crlf.ts'
import { Spool } from '../../../../storage/spool.ts'
import type { Appending, NewMessage } from '../../../../storage/store.ts'

/** Messages of unknown size for another server, which wants to know it beforehand: each is kept until it is whole. */
export class SpooledAppending implements Appending {
  readonly mailbox: string
  readonly #to: Appending
  #crlf = new CrlfWriter()
  #message: NewMessage | undefined
  #spool: Spool | undefined

  constructor(to: Appending) {
    this.mailbox = to.mailbox
    this.#to = to
  }

  async begin(message: NewMessage): Promise<void> {
    this.#message = message
    this.#spool = new Spool()
    this.#crlf = new CrlfWriter()
    await Promise.resolve()
  }

  async write(chunk: Uint8Array): Promise<void> {
    const bytes = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength)
    await this.#spool?.write(this.#crlf.convert(bytes))
  }

  async end(): Promise<void> {
    const [message, spool] = [this.#message, this.#spool]
    if (message === undefined || spool === undefined) throw new Error('a message that was not begun')
    try {
      await this.#to.begin({ ...message, sizeBytes: spool.sizeBytes })
      for await (const chunk of spool.read()) await this.#to.write(chunk)
      await this.#to.end()
    } finally {
      await this.#drop()
    }
  }

  async commit(): ReturnType<Appending['commit']> {
    return await this.#to.commit()
  }

  async abort(): Promise<void> {
    await this.#drop()
    await this.#to.abort()
  }

  async #drop(): Promise<void> {
    const spool = this.#spool
    this.#spool = undefined
    await spool?.close()
  }
}
