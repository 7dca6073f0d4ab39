import { decodeText } from '../wire-text.ts'
import { formatReply } from '../smtp/wire/reply.ts'
import { assertNever } from '../../util/assert-never.ts'
import { BackendConnection } from './backend/connection.ts'
import type { Envelope } from './backend/envelope.ts'
import { BackendLog } from './backend/log.ts'
import { LMTP_LIMITS } from './limits.ts'
import { LocalSink } from './local/local-sink.ts'
import type { SessionLog } from './log.ts'
import { Message } from './message/message.ts'
import { type Recipient, splitDetail } from './recipient.ts'
import { rewriteRecipient } from './rewrite.ts'
import type {
  Destination,
  LmtpClient,
  LmtpServices,
  LocalAccount,
  RecipientAnswer,
  RecipientRoute,
} from './services.ts'

export interface TransactionContext {
  readonly services: LmtpServices
  readonly client: LmtpClient
  readonly hostname: string
  readonly log: SessionLog
}

type Proxied = Extract<RecipientRoute, { kind: 'proxy' }>

/** One mail on its way, from MAIL to the replies for its recipients or to a RSET. */
export class Transaction {
  /** `SESSION`, `SESSION:T2` ... */
  readonly id: string
  readonly envelope: Envelope
  readonly #context: TransactionContext
  readonly #abort = new AbortController()
  /** In the order of RCPT; undefined was refused. */
  readonly #recipients: { readonly recipient: Recipient; accepted: boolean }[] = []
  readonly #backends = new Map<string, BackendConnection>()
  #local: LocalSink | undefined
  #localAccepted = 0
  #message: Message | undefined
  /** The recipient before has its destination: connections are opened, and recipients sent, in the order of RCPT. */
  #previous: Promise<unknown> = Promise.resolve()

  constructor(id: string, envelope: Envelope, context: TransactionContext) {
    this.id = id
    this.envelope = envelope
    this.#context = context
  }

  /** Recipients so far, whatever became of them. */
  get recipientCount(): number {
    return this.#recipients.length
  }

  /** Those the message goes to. */
  get accepted(): readonly Recipient[] {
    return this.#recipients.filter(({ accepted }) => accepted).map(({ recipient }) => recipient)
  }

  /** Some recipient was offered to a backend, or to the local mailboxes. */
  get hasDestination(): boolean {
    return this.#backends.size > 0 || this.#local !== undefined
  }

  /** Undefined before DATA or BDAT. */
  get message(): Message | undefined {
    return this.#message
  }

  /** Finds out where the recipient's mail goes and whether it is taken there. Resolves with the reply lines for the client. */
  async addRecipient(recipient: Recipient): Promise<string> {
    const entry = { recipient, accepted: false }
    this.#recipients.push(entry)
    const previous = this.#previous
    const route = this.#route(recipient)
    const attached = Promise.all([route, previous]).then(([found]) => ({ answer: this.#attach(recipient, found) }))
    this.#previous = attached.catch(() => undefined)
    const { answer } = await attached
    const { accepted, reply } = await answer
    entry.accepted = accepted
    return reply
  }

  /** The message begins: whatever is appended goes to everybody who accepted a recipient. */
  openMessage(): Message {
    const message = new Message(() => this.#context.services.now())
    this.#message = message
    const recipients = this.accepted
    for (const [index, recipient] of recipients.entries())
      recipient.place = { number: index + 1, of: recipients.length }
    const backends = [...this.#backends.values()].filter(({ accepted }) => accepted > 0)
    const replyMs = Math.max(0, ...backends.map((backend) => backend.replyMs))
    for (const backend of backends) void backend.send(message.open(replyMs), replyMs)
    if (this.#localAccepted > 0) void this.#local?.send(message.open(LMTP_LIMITS.replyMs))
    return message
  }

  /** It is over, well or not. A message that was not finished reaches nobody. */
  close(): void {
    this.#abort.abort(OVER)
    this.#message?.abort()
    for (const backend of this.#backends.values()) backend.close()
    this.#local?.close()
    // Nobody is to wait for what will not come.
    for (const { recipient } of this.#recipients) recipient.finish('')
  }

  async #route(recipient: Recipient): Promise<RecipientRoute> {
    const { services, client } = this.#context
    const { localPart, domain } = recipient.address
    const { local } = splitDetail(localPart, client.settings.recipient_delimiter)
    const user = decodeText(domain === undefined ? local : `${local}@${domain}`)
    return await services.routeRecipient({ user, forward: recipient.forward, client }, this.#abort.signal)
  }

  async #attach(recipient: Recipient, route: RecipientRoute): Promise<RecipientAnswer> {
    const { log } = this.#context
    const { path } = recipient
    switch (route.kind) {
      case 'proxy':
        return await this.#attachBackend(recipient, route)
      case 'local':
        return await this.#attachLocal(recipient, route.account)
      case 'unknown':
        return refuse(550, '5.1.1', `${path} User doesn't exist: ${this.#userText(recipient)}`)
      case 'lookup-failed':
        return refuse(451, '4.3.0', `${path} Temporary user lookup failure`)
      case 'misconfigured':
        log.recipient('error', recipient, `proxy: ${route.text}`)
        return refuse(451, '4.3.0', `${path} ${INTERNAL}`)
      case 'looping':
        return this.#refuseLoop(recipient, route.why)
      default:
        return assertNever(route)
    }
  }

  async #attachBackend(
    recipient: Recipient,
    { destination, destuser, forward, problems }: Proxied,
  ): Promise<RecipientAnswer> {
    const { client, log } = this.#context
    for (const problem of problems) log.recipient('error', recipient, `proxy: ${problem}`)
    const address = rewriteRecipient(recipient.address, destuser, client.settings.recipient_delimiter)
    if (address === undefined) {
      log.recipient('error', recipient, `proxy: Username '${destuser}' is not a valid SMTP address`)
      return refuse(451, '4.3.0', `${recipient.path} ${INTERNAL}`)
    }
    recipient.target = { address, forward }
    const backend = this.#backendFor(destination)
    if (backend === undefined) return refuse(451, '4.5.3', `${recipient.path} Too many destinations`)
    backend.allow(destination.timeoutMs)
    return await backend.addRecipient(recipient)
  }

  /** Recipients with the same backend share a connection. */
  #backendFor(destination: Destination): BackendConnection | undefined {
    const key = destinationKey(destination)
    const known = this.#backends.get(key)
    if (known !== undefined) return known
    if (this.#backends.size >= LMTP_LIMITS.backends) return undefined
    const { services, client, hostname, log } = this.#context
    const number = this.#backends.size + 1
    const backend = new BackendConnection(destination, {
      services,
      client,
      hostname,
      session: `${this.id}:P${number}`,
      envelope: this.envelope,
      verbose: client.settings.lmtp_verbose_replies,
      log: new BackendLog(log, destination, number, () => services.now()),
    })
    this.#backends.set(key, backend)
    return backend
  }

  async #attachLocal(recipient: Recipient, account: LocalAccount): Promise<RecipientAnswer> {
    const { services, client, log } = this.#context
    const { mailboxes } = services
    if (mailboxes !== undefined) this.#local ??= new LocalSink(mailboxes, client, this.envelope.from)
    if (this.#local === undefined) {
      log.recipient('error', recipient, 'There is no local delivery: the passdb must return proxy')
      return refuse(451, '4.3.0', `${recipient.path} ${INTERNAL}`)
    }
    const answer = await this.#local.addRecipient(recipient, account)
    if (answer.accepted) this.#localAccepted++
    return answer
  }

  #refuseLoop(recipient: Recipient, why: 'hops' | 'self'): RecipientAnswer {
    const { log } = this.#context
    const text = why === 'self' ? 'loops to itself' : 'appears to be looping (TTL=0)'
    log.recipient('error', recipient, `Proxying to ${decodeText(recipient.path)} ${text}`)
    return refuse(554, '5.4.6', `${recipient.path} Proxying ${text}`)
  }

  /** latin1 held, for a reply. */
  #userText({ address: { localPart, domain } }: Recipient): string {
    const { local } = splitDetail(localPart, this.#context.client.settings.recipient_delimiter)
    return domain === undefined ? local : `${local}@${domain}`
  }
}

/** A reason of our own: without one Node makes an exception with a stack, for every mail. */
const OVER = 'the transaction is over'
const INTERNAL = 'Temporary internal error'

function refuse(code: number, enhanced: string, text: string): RecipientAnswer {
  return { accepted: false, reply: formatReply(code, enhanced, [text]) }
}

/** Equal keys, one connection. */
function destinationKey(destination: Destination): string {
  const { protocol, host, port, ip, sourceIp, tls, verifyCertificate, haproxy, notTrusted } = destination
  return [protocol, host, port, ip, sourceIp, tls, verifyCertificate, haproxy, notTrusted].join(' ')
}
