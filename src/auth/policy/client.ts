// Requests to the policy server: answered within a time and a size, connections kept, never redirected.
import { Agent as HttpAgent, type IncomingMessage, request as requestPlain } from 'node:http'
import { Agent as HttpsAgent, request as requestTls } from 'node:https'
import { faultText } from '../../net/fault-text.ts'

export const POLICY_LIMITS = {
  /** An answer is a status and a sentence. */
  answerBytes: 64 * 1024,
  /** Connections, and with them requests at a time; the others wait their turn within their time. */
  connections: 100,
  idleMs: 60_000,
} as const

export interface PolicyServer {
  readonly url: string
  /** `Name: value`, or the value of an X-API-Key. */
  readonly apiHeader: string
  readonly timeoutMs: number
  /** Certificate authorities for https; the system's when empty. */
  readonly authorities: readonly string[]
}

/** The server did not answer as it should; `message` is for the log. */
export class PolicyFault extends Error {
  override readonly name = 'PolicyFault'
}

export class PolicyClient {
  readonly #server: PolicyServer
  readonly #agent: HttpAgent
  readonly #headers: Readonly<Record<string, string>>

  constructor(server: PolicyServer) {
    this.#server = server
    const options = { keepAlive: true, maxSockets: POLICY_LIMITS.connections, timeout: POLICY_LIMITS.idleMs }
    const { authorities } = server
    this.#agent = isTls(server)
      ? new HttpsAgent({ ...options, ...(authorities.length > 0 && { ca: [...authorities] }) })
      : new HttpAgent(options)
    this.#headers = {
      'content-type': 'application/json',
      'user-agent': 'dovecot/auth-policy-client',
      ...apiHeader(server.apiHeader),
    }
  }

  /** Sends a request and returns the body of the answer. Rejects with PolicyFault. */
  async post(command: 'allow' | 'report', body: string): Promise<string> {
    const deadline = AbortSignal.timeout(this.#server.timeoutMs)
    try {
      const response = await this.#send(commandUrl(this.#server.url, command), body, deadline)
      const answer = await bodyOf(response)
      const { statusCode = 0, statusMessage = '' } = response
      if (statusCode < 200 || statusCode > 299) throw new PolicyFault(`${statusCode} ${statusMessage}`)
      return answer
    } catch (error) {
      if (error instanceof PolicyFault) throw error
      throw new PolicyFault(this.#faultText(error, deadline))
    }
  }

  /** Whether anybody answers there, whatever it is. Rejects with PolicyFault. */
  async reach(): Promise<void> {
    const deadline = AbortSignal.timeout(this.#server.timeoutMs)
    try {
      const response = await this.#send(new URL(this.#server.url), undefined, deadline)
      response.destroy()
    } catch (error) {
      throw new PolicyFault(this.#faultText(error, deadline))
    }
  }

  close(): void {
    this.#agent.destroy()
  }

  #faultText(error: unknown, deadline: AbortSignal): string {
    if (deadline.aborted) return `no answer within ${this.#server.timeoutMs} msecs`
    return error instanceof Error ? faultText(error) : String(error)
  }

  /** Without a body it is a GET, which means nothing to a policy server. */
  #send(url: URL, body: string | undefined, signal: AbortSignal): Promise<IncomingMessage> {
    const options = {
      method: body === undefined ? 'GET' : 'POST',
      agent: this.#agent,
      headers: body === undefined ? this.#headers : { ...this.#headers, 'content-length': Buffer.byteLength(body) },
      signal,
    }
    return new Promise((resolve, reject) => {
      const request = isTls(this.#server) ? requestTls(url, options) : requestPlain(url, options)
      request.on('response', resolve)
      request.on('error', reject)
      request.end(body)
    })
  }
}

function isTls({ url }: PolicyServer): boolean {
  return url.startsWith('https:')
}

/** Dovecot puts the command behind a `?`, or behind an `&` that the URL ends with. */
export function commandUrl(url: string, command: string): URL {
  return new URL(`${url}${url.endsWith('&') ? '' : '?'}command=${command}`)
}

function apiHeader(text: string): Readonly<Record<string, string>> {
  if (text === '') return {}
  const colon = text.indexOf(':')
  return colon < 0 ? { 'x-api-key': text } : { [text.slice(0, colon).trim()]: text.slice(colon + 1).trim() }
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > POLICY_LIMITS.answerBytes) {
      response.destroy()
      throw new PolicyFault(`answer is longer than ${POLICY_LIMITS.answerBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}
