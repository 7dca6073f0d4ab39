// The mailboxes of one session that other servers keep: which is selected, and how commands reach them.
import type { RemoteMail, RemotePlace } from '../../../remote-mail.ts'
import { RemoteUnavailable } from '../../../remote-mail.ts'
import type { MailStore } from '../../../../storage/store.ts'
import { No, SessionOver } from '../bad-command.ts'
import type { ImapCommand, Invocation, Reply } from '../command.ts'
import type { ImapSession } from '../session.ts'
import { noteAway } from './away-servers.ts'
import { type RemoteConnection, RemoteLost } from './connection.ts'
import { RemoteConnections } from './connections.ts'
import { lackingText } from './lacking.ts'
import { passesOn, passOn } from './passing.ts'
import { mailboxArgument, refuseUnlessOk, type RemoteName, remoteNameOf, taggedText } from './replies.ts'
import { RemoteStore } from './remote-store.ts'
import { AnswerSink, clientSink } from './sinks.ts'

/** The selected mailbox, when another server keeps it. */
export interface RemoteSelected {
  readonly place: RemotePlace
  readonly connection: RemoteConnection
  readonly name: string
  readonly examined: boolean
}

/** What a command that was read whole came to. */
export interface RemoteAnswer {
  /** Behind the tag: `OK Completed`. */
  readonly text: string
  readonly answers: AnswerSink['answers']
}

export interface UseOptions {
  /** Connecting may take this long. */
  readonly limitMs?: number
  /** What is asked changes nothing: it may be asked again. */
  readonly mayRepeat?: boolean
}

export class RemoteMailboxes {
  readonly session: ImapSession
  readonly mail: RemoteMail
  /** The session's mail, here and there. */
  readonly store: MailStore
  readonly #connections = new RemoteConnections()
  /** Connections of whose end this session hears. */
  readonly #watched = new WeakSet<RemoteConnection>()
  #selected: RemoteSelected | undefined

  constructor(session: ImapSession, mail: RemoteMail) {
    this.session = session
    this.mail = mail
    this.store = new RemoteStore(session.mail.store, this)
  }

  get selected(): RemoteSelected | undefined {
    return this.#selected
  }

  set selected(selected: RemoteSelected | undefined) {
    this.#selected = selected
    this.#connections.pinned = selected?.connection
    if (selected === undefined || this.#watched.has(selected.connection)) return
    this.#watched.add(selected.connection)
    selected.connection.onEnd(() => this.#endSilently(selected.connection))
  }

  /** The mailbox on another server that has this name; `undefined` when it is not elsewhere. */
  async find(name: string): Promise<RemoteName | undefined> {
    const place = await this.mail.locate(name)
    return place && { place, name }
  }

  /**
   * Does something with the connection to a place. A server that is not there is a NO; one that goes away while its mailbox is
   * selected ends the session, as nothing that the client knows can be held to any more.
   */
  async use<Value>(
    place: RemotePlace,
    work: (connection: RemoteConnection) => Promise<Value>,
    { limitMs, mayRepeat = false }: UseOptions = {},
  ): Promise<Value> {
    // Another server may take its time: what was answered before is said now.
    this.session.out.flush()
    const isKept = this.#connections.has(place)
    let connection: RemoteConnection | undefined
    try {
      connection = await this.#connections.to(place, limitMs)
      if (!isKept) this.#sayLacking(connection)
      return await work(connection)
    } catch (error) {
      // A connection that was kept may be gone without anybody having noticed.
      const isStale = isKept && mayRepeat && error instanceof RemoteLost && error.wasSilent
      if (!isStale || connection === undefined || this.isSelectedOn(connection)) throw this.#faultOf(error, connection)
      this.#connections.drop(connection)
    }
    return await this.use(place, work, limitMs === undefined ? {} : { limitMs })
  }

  /** Sends a command and reads its answers with these names; `command` is built for the server's names. Throws No. */
  async ask(
    to: RemoteName,
    command: (mailbox: string, connection: RemoteConnection) => string,
    names: readonly string[] = [],
    options: UseOptions = {},
  ): Promise<RemoteAnswer> {
    const ask = async (connection: RemoteConnection): Promise<RemoteAnswer> => {
      const remote = remoteNameOf(to, connection)
      const answer = await this.askOn(connection, command(mailboxArgument(remote), connection), names)
      return { ...answer, text: refuseUnlessOk(answer.text, remote, to.name) }
    }
    return await this.use(to.place, ask, options)
  }

  /** The same without a mailbox; whatever the reply is, it is an answer. */
  async askOn(
    connection: RemoteConnection,
    command: string,
    names: readonly string[] = [],
    silenceMs?: number,
  ): Promise<RemoteAnswer> {
    const sink = new AnswerSink(names, clientSink(this.session.out, this.isSelectedOn(connection)))
    connection.send(`x ${command}\r\n`)
    const text = taggedText(await connection.next('x', sink, silenceMs))
    return { text, answers: sink.answers }
  }

  isSelectedOn(connection: RemoteConnection): boolean {
    return this.#selected?.connection === connection
  }

  /** Says a command about the selected mailbox to the server that keeps it; `undefined`: that is not its affair. */
  pass(command: ImapCommand, call: Invocation, line: string, from: number): Promise<Reply> | undefined {
    const { selected } = this
    if (selected === undefined || !passesOn(command) || this.session.lineCut) return undefined
    return passOn(this, selected, command, call, line, from)
  }

  /** What the client said that it can read is told to a server before its mailboxes are opened. RFC 7162 §3.2.3. */
  async enable(connection: RemoteConnection): Promise<void> {
    const { condstore, qresync } = this.session
    const wanted = qresync ? 'QRESYNC' : condstore ? 'CONDSTORE' : undefined
    if (wanted === undefined || connection.enabled.has(wanted) || !connection.capability.has(wanted)) return
    await this.askOn(connection, `ENABLE ${wanted}`)
    connection.enabled.add(wanted)
  }

  /** Leaves the selected mailbox as it is. RFC 3691; `say`: the client learns it. RFC 7162 §3.2.11. */
  async leave({ say }: { readonly say: boolean }): Promise<void> {
    const { selected } = this
    if (selected === undefined) return
    const { connection } = selected
    this.selected = undefined
    if (say) this.session.out.text('* OK [CLOSED] Previous mailbox closed.\r\n')
    try {
      if (connection.isOver || !connection.capability.has('UNSELECT')) this.#connections.drop(connection)
      else await this.askOn(connection, 'UNSELECT')
    } catch (error) {
      if (!(error instanceof RemoteLost)) throw error
      this.#connections.drop(connection)
    }
  }

  /** Whoever waits for another server gives up: the session has to end. */
  interrupt(): void {
    this.#connections.interrupt()
  }

  close(): void {
    this.selected = undefined
    this.#connections.close()
  }

  #sayLacking({ place, capability }: RemoteConnection): void {
    const text = lackingText(place.server, capability)
    if (text !== undefined) this.session.mail.log('warning', text)
  }

  /** The server of the selected mailbox hung up while the client said nothing: it need not find out by itself. */
  #endSilently(connection: RemoteConnection): void {
    const { session } = this
    if (!this.isSelectedOn(connection) || connection.isBusy || !session.waiting) return
    session.mail.log('warning', `imapc: ${connection.place.server} closed the connection`)
    session.out.text(`* BYE [UNAVAILABLE] ${GONE}\r\n`)
    session.out.flush()
    session.over = GONE
    session.stream.setDeadline(1)
  }

  #faultOf(error: unknown, connection: RemoteConnection | undefined): unknown {
    if (error instanceof RemoteUnavailable) return new No(`[UNAVAILABLE] ${UNREACHABLE}`)
    if (!(error instanceof RemoteLost)) return error
    const { selected, session } = this
    session.mail.log('warning', `imapc: ${error.message}`)
    if (connection !== undefined) {
      this.#connections.drop(connection)
      noteAway(connection.place.server)
    }
    const wasSelected = selected !== undefined && selected.connection === connection
    if (!wasSelected && !error.isMidResponse) return new No(`[UNAVAILABLE] ${UNREACHABLE}`)
    this.selected = undefined
    // In the middle of a response a word of ours would be taken for part of it.
    if (!error.isMidResponse) session.out.text(`* BYE [UNAVAILABLE] ${GONE}\r\n`)
    return new SessionOver(GONE)
  }
}

const UNREACHABLE = 'The server that keeps this mailbox cannot be reached now.'
const GONE = 'The server that keeps the selected mailbox is gone, please relogin.'
