import { systemFlagNames } from '../../../../storage/flags.ts'
import type { Appending, NewMessage } from '../../../../storage/store.ts'
import { writeDateTime } from '../../wire/date-time.ts'
import { No } from '../bad-command.ts'
import { type RemoteConnection, RemoteLost } from './connection.ts'
import { REMOTE_LIMITS } from './limits.ts'
import type { RemoteMailboxes } from './remote-mailboxes.ts'
import { mailboxArgument, refuseUnlessOk, type RemoteName, remoteNameOf, taggedText } from './replies.ts'
import { codeOf, expandUids } from './response.ts'
import { clientSink } from './sinks.ts'

/**
 * Messages on their way into a mailbox of another server: one APPEND, and so all or none, where that server has MULTIAPPEND
 * (RFC 3502); otherwise one after the other. Refusals are thrown as No, in that server's words.
 */
export class RemoteAppending implements Appending {
  readonly mailbox: string
  readonly #remote: RemoteMailboxes
  readonly #to: RemoteName
  #connection: RemoteConnection | undefined
  #isOpen = false
  /** Bytes of the message begun last that were not given yet. */
  #left = 0
  #uidValidity = 0
  readonly #uids: number[] = []
  /** Messages of APPENDs that are done. */
  #saved = 0
  #tellsUids = true

  constructor(remote: RemoteMailboxes, to: RemoteName) {
    this.mailbox = to.name
    this.#remote = remote
    this.#to = to
  }

  /** The server says whether it will have a message before it is sent any of it. */
  async begin({ bits, keywords, internalDateMs, sizeBytes }: NewMessage): Promise<void> {
    if (sizeBytes === undefined) throw new Error('the size of the message must be known')
    await this.#use(async (connection) => {
      if (this.#isOpen && !connection.capability.has('MULTIAPPEND')) await this.#finish(connection)
      const flags = [...systemFlagNames(bits), ...keywords]
      const date = internalDateMs === undefined ? '' : ` "${writeDateTime(internalDateMs)}"`
      const message = ` (${flags.join(' ')})${date} {${sizeBytes}}`
      const remote = remoteNameOf(this.#to, connection)
      connection.send(`${this.#isOpen ? '' : `${TAG} APPEND ${mailboxArgument(remote)}`}${message}\r\n`)
      const reply = await connection.next(TAG, this.#sink(connection))
      if (reply.kind === 'tagged') {
        this.#isOpen = false
        throw this.#partly(refusalOf(taggedText(reply), remote, this.#to.name))
      }
      this.#isOpen = true
      this.#left = sizeBytes
    })
  }

  async write(chunk: Uint8Array): Promise<void> {
    if (chunk.length > this.#left) throw new Error('the message is longer than was said')
    this.#left -= chunk.length
    await this.#use((connection) => connection.sendBytes(chunk))
  }

  async end(): Promise<void> {
    if (this.#left > 0) throw new Error('the message is shorter than was said')
    await Promise.resolve()
  }

  async commit(): Promise<{ readonly uidValidity: number; readonly uids: readonly number[] }> {
    if (this.#isOpen) await this.#use((connection) => this.#finish(connection))
    return { uidValidity: this.#uidValidity, uids: this.#tellsUids ? this.#uids : [] }
  }

  /** Between two messages the server is told (RFC 3502 §2: an empty literal); in the middle of one only the end of the connection says it. */
  async abort(): Promise<void> {
    const connection = this.#connection
    if (!this.#isOpen || connection === undefined || connection.isOver) return
    this.#isOpen = false
    if (this.#left > 0 || !connection.capability.has('LITERAL+')) return connection.destroy()
    try {
      connection.send(' {0+}\r\n\r\n')
      await connection.next(TAG, this.#sink(connection))
    } catch (error) {
      if (!(error instanceof RemoteLost)) throw error
    }
  }

  async #finish(connection: RemoteConnection): Promise<void> {
    connection.send('\r\n')
    this.#isOpen = false
    const text = taggedText(await connection.next(TAG, this.#sink(connection)))
    try {
      refuseUnlessOk(text, remoteNameOf(this.#to, connection), this.#to.name)
    } catch (error) {
      throw this.#partly(error)
    }
    this.#saved++
    const [, validity, set = ''] = /^APPENDUID (\d{1,10}) (\S+)$/i.exec(codeOf(text) ?? '') ?? []
    const uids = expandUids(set, REMOTE_LIMITS.copied)
    // A mailbox that may be filled but not read does not tell.
    if (validity === undefined || uids === undefined) this.#tellsUids = false
    else this.#uids.push(...uids)
    this.#uidValidity = Number(validity ?? 0)
  }

  /** What was saved before cannot be taken back. */
  #partly(error: unknown): unknown {
    if (this.#saved === 0 || !(error instanceof No)) return error
    return new No(`${error.message} (${this.#saved} messages were saved before)`)
  }

  async #use(work: (connection: RemoteConnection) => Promise<void>): Promise<void> {
    await this.#remote.use(this.#to.place, async (connection) => {
      // Half of an APPEND that another connection had is lost.
      if (this.#isOpen && connection !== this.#connection)
        throw new RemoteLost('the connection of an APPEND is gone', false)
      this.#connection = connection
      await work(connection)
    })
  }

  #sink(connection: RemoteConnection): ReturnType<typeof clientSink> {
    return clientSink(this.#remote.session.out, this.#remote.isSelectedOn(connection))
  }
}

const TAG = 'x'

function refusalOf(text: string, remote: string, shown: string): unknown {
  try {
    refuseUnlessOk(text, remote, shown)
  } catch (error) {
    return error
  }
  return new RemoteLost('another server took a message that it had not been given', false)
}
