import type { Secret } from '../../util/secret.ts'
import { InvalidBase64Data, SaslAborted } from '../../sasl/mechanism.ts'
import type { AuthConnection, SaslExchange } from '../auth.ts'
import type { Clock } from '../needs.ts'
import { AUTH_SERVER_LIMITS } from './limits.ts'
import { decodeResponse } from './parameters.ts'
import { tabLine } from './tab-text.ts'

export interface ClientRequestStart {
  readonly id: number
  readonly mechanism: string
  readonly connection: AuthConnection
  readonly initial: Secret | undefined
  readonly takesFinalResponse: boolean
}

/** What a request needs of its connection. */
export interface ClientRequestNeeds {
  readonly clock: Pick<Clock, 'timer'>
  write(line: Buffer): void
  /** A challenge was not answered in time. */
  onLate(request: ClientRequest): void
}

/** A request of a client: from AUTH to OK or FAIL. */
export class ClientRequest implements SaslExchange {
  readonly id: number
  readonly mechanism: string
  readonly connection: AuthConnection
  readonly initial: Secret | undefined
  readonly wantsFields = true
  /** What the mechanism said last, for OK. */
  finalResponse: Buffer | undefined
  readonly #takesFinalResponse: boolean
  readonly #needs: ClientRequestNeeds
  readonly #cancelled = new AbortController()
  #waiting: PromiseWithResolvers<Buffer> | undefined
  #stopTimer: () => void = () => undefined

  constructor(start: ClientRequestStart, needs: ClientRequestNeeds) {
    this.id = start.id
    this.mechanism = start.mechanism
    this.connection = start.connection
    this.initial = start.initial
    this.#takesFinalResponse = start.takesFinalResponse
    this.#needs = needs
  }

  /** Fires when nobody waits for the answer any more. */
  get signal(): AbortSignal {
    return this.#cancelled.signal
  }

  /** A challenge was sent: the next word is the client's. */
  get isWaiting(): boolean {
    return this.#waiting !== undefined
  }

  async challenge(data: Buffer): Promise<Buffer> {
    if (this.signal.aborted) throw new SaslAborted('the request is over')
    this.#waiting = Promise.withResolvers()
    this.#stopTimer = this.#needs.clock.timer(AUTH_SERVER_LIMITS.responseMs, () => this.#needs.onLate(this))
    this.#needs.write(tabLine(['CONT', String(this.id), data.toString('base64')]))
    return await this.#waiting.promise
  }

  async finish(data: Buffer): Promise<void> {
    if (this.#takesFinalResponse) this.finalResponse = data
    else await this.challenge(data)
  }

  /** The client's TLS connection ends elsewhere. */
  channelBinding(): undefined {
    return undefined
  }

  /** The client's answer to the challenge. */
  respond(text: string): void {
    const data = text === '' ? Buffer.alloc(0) : decodeResponse(text)
    const waiting = this.#stopWaiting()
    if (data === undefined) waiting?.reject(new InvalidBase64Data('continued'))
    else waiting?.resolve(data)
  }

  /** Nobody waits for the answer: what still runs for it is told so. */
  cancel(): void {
    this.#stopWaiting()?.reject(new SaslAborted('the client gave up'))
    this.#cancelled.abort()
  }

  #stopWaiting(): PromiseWithResolvers<Buffer> | undefined {
    this.#stopTimer()
    const waiting = this.#waiting
    this.#waiting = undefined
    return waiting
  }
}
