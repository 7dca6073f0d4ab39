import { InvalidBase64Data, type SaslServerIo } from '../sasl/mechanism.ts'
import type { SaslExchange } from './auth.ts'
import type { ServiceChains } from './chains.ts'
import type { AuthNeeds } from './needs.ts'
import type { AuthRequest } from './request.ts'

/** What all exchanges of a service have in common. */
export interface ExchangeNeeds {
  readonly needs: AuthNeeds
  /** A mechanism that binds to the TLS connection is offered where there is something to bind to. */
  readonly listsBinding: boolean
}

/**
 * One exchange as its mechanism sees it. A class, as every login makes one: with accessors in a literal V8 makes a table of
 * each, and most of this is asked for by few mechanisms.
 */
export class ExchangeIo implements SaslServerIo {
  /** The client broke off while it was waited for. */
  hasLeft = false
  readonly openidConfigurationUrl?: string
  readonly #exchange: SaslExchange
  readonly #request: AuthRequest
  readonly #realms: readonly string[]
  readonly #common: ExchangeNeeds

  constructor(exchange: SaslExchange, request: AuthRequest, chains: ServiceChains, common: ExchangeNeeds) {
    this.#exchange = exchange
    this.#request = request
    this.#realms = chains.settings.realms
    this.#common = common
    const url = openidConfigurationUrl(chains)
    if (url !== undefined) this.openidConfigurationUrl = url
  }

  get initial(): Buffer | undefined {
    return this.#exchange.initial?.reveal()
  }

  async challenge(data: Buffer): Promise<Buffer> {
    try {
      return await this.#exchange.challenge(data)
    } catch (error) {
      this.hasLeft = true
      if (error instanceof InvalidBase64Data) this.#request.logLogin('info', error.message)
      throw error
    }
  }

  async finish(data: Buffer): Promise<void> {
    try {
      await this.#exchange.finish(data)
    } catch (error) {
      this.hasLeft = true
      throw error
    }
  }

  get hostname(): string {
    return this.#common.needs.hostname
  }

  get realms(): readonly string[] {
    return this.#realms
  }

  get service(): string {
    return saslService(this.#request.connection.service)
  }

  randomBytes(count: number): Buffer {
    return this.#common.needs.randomBytes(count)
  }

  now(): number {
    return this.#common.needs.clock.now()
  }

  channelBinding(type: string): Buffer | undefined {
    return this.#exchange.channelBinding(type)
  }

  /** Asked by mechanisms that could bind only: the answer costs. */
  get channelBindingListed(): boolean {
    return this.#common.listsBinding && this.channelBinding('tls-server-end-point') !== undefined
  }

  get certificateUser(): string | undefined {
    // Dovecot takes a name from the certificate only where that is asked for, and EXTERNAL has no other.
    const { settings, connection } = this.#request
    return settings.userFromCertificate ? connection.certificateUser : undefined
  }
}

function openidConfigurationUrl({ passdbs }: ServiceChains): string | undefined {
  for (const { database } of passdbs) {
    if (database.openidConfigurationUrl !== undefined) return database.openidConfigurationUrl
  }
  return undefined
}

/** RFC 4422 service names differ from ours for two protocols. */
function saslService(service: string): string {
  return service === 'pop3' ? 'pop' : service === 'submission' ? 'smtp' : service
}
