import { type ByteStream, LineTooLong } from '../../net/byte-stream.ts'
import { faultText } from '../../net/fault-text.ts'
import { asError } from '../../util/as-error.ts'
import { InvalidBase64Data } from '../../sasl/mechanism.ts'
import { andThen } from '../../util/soon.ts'
import type { Observer } from '../../observe/events.ts'
import type { AuthOutcome, AuthService } from '../auth.ts'
import { sanitize } from '../log-text.ts'
import type { Clock } from '../needs.ts'
import { answerLine, failLine } from './answer.ts'
import { ClientRequest } from './client-request.ts'
import { type ClientCommand, parseCommand, parseCpid, parseVersion, shown } from './command.ts'
import { clientIn, clientOut, type DebugLevel } from './debug-text.ts'
import { handshake, type ServerIdentity } from './handshake.ts'
import { AUTH_SERVER_LIMITS } from './limits.ts'
import { type AuthParameters, parseParameters } from './parameters.ts'
import { textOf } from './tab-text.ts'

/** What the connections of an auth socket need. */
export interface AuthClientNeeds {
  readonly observer: Observer
  readonly clock: Clock
  /** The newest configuration's, asked at each request. */
  readonly auth: () => AuthService
  /** `auth_verbose` of a service. */
  readonly verbose: (service: string) => boolean
  readonly debug: () => DebugLevel
}

const TIMED_OUT = 'Authentication request timed out'

/**
 * A client of an auth socket (a mail server), from its first line to its last: Dovecot's authentication client protocol, version
 * 1.2. Several requests may run at once. A client that does not keep to the protocol is told nothing and closed, as in Dovecot.
 */
export class AuthClient {
  readonly #stream: ByteStream
  readonly #needs: AuthClientNeeds
  readonly #requests = new Map<number, ClientRequest>()
  /** As the client says. */
  #pid = 0
  #isStopping = false
  #closed: Promise<void> | undefined

  constructor(stream: ByteStream, needs: AuthClientNeeds) {
    this.#stream = stream
    this.#needs = needs
  }

  /** Resolves when the client is gone. Faults of ours reject. */
  async run(identity: ServerIdentity): Promise<void> {
    const stream = this.#stream
    try {
      stream.write(handshake(this.#needs.auth().mechanisms, identity))
      stream.setDeadline(AUTH_SERVER_LIMITS.handshakeMs)
      if (!(await this.#greet())) return
      stream.setDeadline(undefined)
      const reason = await this.#converse()
      if (reason !== undefined && this.#requests.size > 0 && !this.#isStopping)
        this.#log(`auth client ${this.#pid} disconnected with ${this.#requests.size} pending requests: ${reason}`)
    } finally {
      for (const request of this.#requests.values()) request.cancel()
      this.#requests.clear()
      await this.#close()
    }
  }

  /** Ends the connection as soon as nobody waits for an answer. */
  stop(): void {
    this.#isStopping = true
    if (this.#isIdle) this.#stream.destroy()
  }

  /** Nothing runs for this client; whoever has not answered a challenge may take minutes. */
  get #isIdle(): boolean {
    return [...this.#requests.values()].every(({ isWaiting }) => isWaiting)
  }

  /** Both lines of the client's introduction. */
  async #greet(): Promise<boolean> {
    const version = await this.#readLine()
    if (typeof version !== 'string') return false
    const parsed = parseVersion(version)
    if (parsed === undefined) {
      this.#log(`Authentication client sent invalid VERSION line: ${shown(version.split('\t', 1)[0] ?? '')}`)
      return false
    }
    if (parsed.major !== 1) {
      this.#log('Authentication client not compatible with this server (mixed old and new binaries?)')
      return false
    }
    const cpid = await this.#readLine()
    if (typeof cpid !== 'string') return false
    this.#pid = parseCpid(cpid) ?? -1
    if (this.#pid > 0) return true
    const fault =
      this.#pid === 0 ? "said it's PID 0" : `sent unknown handshake command: ${shown(cpid.split('\t', 1)[0] ?? '')}`
    this.#log(`BUG: Authentication client ${fault}`)
    return false
  }

  /** Reads commands until there are no more. Returns why, unless that is in the log already. */
  async #converse(): Promise<string | undefined> {
    for (;;) {
      const line = await this.#readLine()
      if (typeof line !== 'string') return line?.reason
      const command = parseCommand(line)
      if (command.kind !== 'broken') this.#debug(clientIn, line)
      const fault = this.#obey(command)
      if (fault === undefined) continue
      this.#log(fault)
      return undefined
    }
  }

  async #readLine(): Promise<string | { readonly reason: string } | undefined> {
    try {
      return (await this.#stream.readLine(AUTH_SERVER_LIMITS.lineBytes)) ?? { reason: 'EOF' }
    } catch (error) {
      if (!(error instanceof LineTooLong)) return { reason: faultText(asError(error)) }
      this.#log(`BUG: Auth client ${this.#pid} sent us more than ${AUTH_SERVER_LIMITS.lineBytes} bytes`)
      return undefined
    }
  }

  /** Returns the client's fault, if it made one. */
  #obey(command: ClientCommand): string | undefined {
    switch (command.kind) {
      case 'auth':
        return this.#begin(command)
      case 'cont':
        this.#continue(command.id, command.data)
        return undefined
      case 'cancel':
        this.#forget(command.id)?.cancel()
        return undefined
      case 'broken':
        return command.text
    }
  }

  #begin({ id, mechanism: name, parameters }: Extract<ClientCommand, { kind: 'auth' }>): string | undefined {
    const client = `BUG: Authentication client ${this.#pid}`
    const parsed = parseParameters(parameters)
    if (typeof parsed === 'string') return `${client} ${parsed}`
    const auth = this.#needs.auth()
    const mechanism = auth.mechanisms.find((known) => known.name === name.toUpperCase())?.name
    if (mechanism === undefined) return `${client} requested unsupported authentication mechanism ${shown(name)}`
    if (this.#requests.has(id)) return `${client} sent a duplicate ID ${id}`
    if (this.#requests.size >= AUTH_SERVER_LIMITS.requests) {
      this.#write(failLine(id, 'Too many authentication requests', 'temp_fail'))
      return undefined
    }
    const request = this.#request(id, mechanism, parsed)
    if (parsed.isInitialBad) this.#refuseInitial(request)
    else void this.#authenticate(auth, request)
    return undefined
  }

  #request(id: number, mechanism: string, { connection, initial, takesFinalResponse }: AuthParameters): ClientRequest {
    const request = new ClientRequest(
      { id, mechanism, connection, initial, takesFinalResponse },
      {
        clock: this.#needs.clock,
        write: (line) => this.#write(line),
        onLate: (late) => this.#giveUp(late),
      },
    )
    this.#requests.set(id, request)
    return request
  }

  #authenticate(auth: AuthService, request: ClientRequest): void | Promise<void> {
    const outcome = auth.authenticate(request.connection, request, request.signal)
    return andThen(outcome, (settled) => this.#answer(request, settled))
  }

  #answer(request: ClientRequest, outcome: AuthOutcome): void {
    if (this.#requests.get(request.id) !== request) return
    this.#forget(request.id)
    const line = answerLine(request.id, outcome, request.finalResponse)
    if (line !== undefined) this.#write(line)
  }

  #continue(id: number, data: string): void {
    const request = this.#requests.get(id)
    if (request === undefined) return this.#write(failLine(id, TIMED_OUT))
    if (request.isWaiting) return request.respond(data)
    this.#forget(id)
    request.cancel()
    this.#logRequest(request, 'Unexpected continuation')
    this.#write(failLine(id, 'Unexpected continuation'))
  }

  /** As the auth service does with later ones, but without waiting for a penalty. */
  #refuseInitial(request: ClientRequest): void {
    const { message } = new InvalidBase64Data('initial')
    this.#forget(request.id)
    this.#logRequest(request, message)
    this.#write(failLine(request.id, message, 'invalid_base64'))
  }

  /** Whoever answers after that is told. */
  #giveUp(request: ClientRequest): void {
    const seconds = AUTH_SERVER_LIMITS.responseMs / 1000
    this.#logRequest(request, `Request timed out waiting for client to continue authentication (${seconds} secs)`)
    this.#forget(request.id)
    request.cancel()
  }

  #forget(id: number): ClientRequest | undefined {
    const request = this.#requests.get(id)
    this.#requests.delete(id)
    return request
  }

  #write(line: Buffer): void {
    if (this.#stream.ended) return
    this.#stream.write(line)
    this.#debug(clientOut, line)
    if (this.#isStopping && this.#isIdle) void this.#close()
  }

  /** What was written goes out first. */
  #close(): Promise<void> {
    return (this.#closed ??= this.#stream.close())
  }

  #log(text: string): void {
    this.#needs.observer.log('error', 'auth', text)
  }

  #debug(show: typeof clientIn, line: string | Buffer): void {
    const level = this.#needs.debug()
    if (level === 'none') return
    const text = typeof line === 'string' ? textOf(line) : line.toString('utf8').trimEnd()
    this.#needs.observer.log('debug', 'auth', show(text, level))
  }

  /** As the auth service writes about a login. */
  #logRequest({ mechanism, connection }: ClientRequest, text: string): void {
    const { service, remote, session } = connection
    if (!this.#needs.verbose(service)) return
    const ip = remote.ip === '' ? '' : `,${remote.ip}`
    const id = session === '' ? '' : `,<${sanitize(session, AUTH_SERVER_LIMITS.loggedCharacters)}>`
    this.#needs.observer.log('info', 'auth', `${mechanism.toLowerCase()}(?${ip}${id}): ${text}`)
  }
}
