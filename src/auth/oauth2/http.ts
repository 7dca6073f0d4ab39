// Requests to token servers: never redirected, answered within a time and a size, connections kept.
import { Agent as HttpAgent, type ClientRequest, type IncomingMessage, request as requestPlain } from 'node:http'
import { Agent as HttpsAgent, type AgentOptions, request as requestTls } from 'node:https'
import { faultText } from '../../net/fault-text.ts'
import { readConfigText } from '../ext-file.ts'
import type { DatabaseNeeds } from '../passdb/passdb.ts'
import type { Oauth2Settings } from './settings.ts'

export const HTTP_LIMITS = {
  /** An answer, unless `timeout_msecs` says otherwise. */
  timeoutMs: 10_000,
  /** Token data and key sets are a few KiB. */
  bodyBytes: 256 * 1024,
} as const

/** The server did not answer as HTTP servers do; `message` is for the log and has no query of the URL. */
export class HttpFault extends Error {
  override readonly name = 'HttpFault'
}

export interface HttpAnswer {
  readonly status: number
  readonly body: string
}

export interface HttpQuestion {
  readonly url: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as a form by POST. */
  readonly form?: Readonly<Record<string, string>>
}

export class HttpClient {
  readonly #plain: HttpAgent
  readonly #tls: HttpsAgent
  readonly #timeoutMs: number

  /** Throws DatabaseConfigError when a certificate cannot be read. */
  constructor(settings: Oauth2Settings, needs: Pick<DatabaseNeeds, 'configFiles'>) {
    const options = {
      keepAlive: true,
      maxSockets: Math.max(1, settings.max_parallel_connections),
      timeout: settings.max_idle_time_msecs,
    }
    this.#plain = new HttpAgent(options)
    this.#tls = new HttpsAgent({ ...options, ...tlsOptions(settings, needs) })
    this.#timeoutMs = settings.timeout_msecs === 0 ? HTTP_LIMITS.timeoutMs : settings.timeout_msecs
  }

  /** Rejects with HttpFault. */
  async ask({ url: text, headers = {}, form }: HttpQuestion, signal: AbortSignal): Promise<HttpAnswer> {
    const url = new URL(text)
    const place = `${url.protocol}//${url.host}${url.pathname}`
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(this.#timeoutMs)])
    const body = form === undefined ? undefined : new URLSearchParams(form).toString()
    try {
      const request = this.#open(url, {
        method: body === undefined ? 'GET' : 'POST',
        headers: {
          accept: 'application/json',
          ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
          ...headers,
        },
        signal: deadline,
      })
      request.end(body)
      const response = await responseTo(request)
      return { status: response.statusCode ?? 0, body: await bodyOf(response) }
    } catch (error) {
      const why = deadline.aborted ? 'no answer in time' : error instanceof Error ? faultText(error) : String(error)
      throw new HttpFault(`${place}: ${why}`)
    }
  }

  #open(url: URL, options: Parameters<typeof requestPlain>[1]): ClientRequest {
    return url.protocol === 'https:'
      ? requestTls(url, { ...options, agent: this.#tls })
      : requestPlain(url, { ...options, agent: this.#plain })
  }

  close(): void {
    this.#plain.destroy()
    this.#tls.destroy()
  }
}

function responseTo(request: ClientRequest): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    request.on('response', resolve)
    request.on('error', reject)
  })
}

async function bodyOf(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of response as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > HTTP_LIMITS.bodyBytes) {
      response.destroy()
      throw new HttpFault(`answer is longer than ${HTTP_LIMITS.bodyBytes} bytes`)
    }
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString('utf8')
}

function tlsOptions(settings: Oauth2Settings, needs: Pick<DatabaseNeeds, 'configFiles'>): AgentOptions {
  const read = (path: string): string => readConfigText('oauth2', path, needs)
  const { tls_ca_cert_file: caFile, tls_ca_cert_dir: caDir, tls_cert_file: cert, tls_key_file: key } = settings
  const authorities = [
    ...(caFile === '' ? [] : [read(caFile)]),
    ...(caDir === '' ? [] : needs.configFiles.glob(`${caDir.replace(/\/$/, '')}/*`).map(read)),
  ].filter((text) => text.includes('-----BEGIN'))
  return {
    rejectUnauthorized: !settings.tls_allow_invalid_cert,
    ciphers: settings.tls_cipher_suite,
    ...(authorities.length > 0 && { ca: authorities }),
    ...(cert !== '' && { cert: read(cert) }),
    ...(key !== '' && { key: read(key) }),
  }
}
