import { Secret } from '../util/secret.ts'
import { type SaslClient, SaslError } from './mechanism.ts'

/** What OAUTHBEARER (RFC 7628) and XOAUTH2 share: fields between 0x01 bytes, bearer tokens, the error challenge. */
export const SEPARATOR = '\x01'

/** The token of an `auth=Bearer ...` field; `undefined` without such a field. Throws SaslError for any other scheme. */
export function bearerToken(fields: readonly string[]): Secret | undefined {
  const value = fields.find((field) => field.startsWith('auth='))?.slice('auth='.length)
  if (value === undefined) return undefined
  // b64token, RFC 6750 §2.1.
  const token = /^bearer ([A-Za-z0-9\-._~+/]+=*)$/i.exec(value)?.[1]
  if (token === undefined) throw new SaslError('Invalid continued data')
  return new Secret(token)
}

/** The client half: everything at once, then an answer to the error challenge that goes before a refusal. */
export class OauthClient implements SaslClient {
  failureDetail: Buffer | undefined
  readonly #message: Buffer
  readonly #errorAnswer: Buffer

  constructor(message: Buffer, errorAnswer: Buffer) {
    this.#message = message
    this.#errorAnswer = errorAnswer
  }

  initial(): Buffer {
    return this.#message
  }

  respond(challenge: Buffer): Buffer {
    if (this.failureDetail !== undefined) throw new SaslError("Server didn't finish authentication")
    this.failureDetail = challenge
    return this.#errorAnswer
  }

  finish(): void {
    if (this.failureDetail !== undefined) throw new SaslError('Server sent an error, then reported success')
  }
}
