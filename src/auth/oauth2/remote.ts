// Tokens that only their server understands: token info, introspection (RFC 7662), and the password grant (RFC 6749 §4.3).
import type { DatabaseRequest } from '../passdb/passdb.ts'
import { type HttpAnswer, type HttpClient, HttpFault, type HttpQuestion } from './http.ts'
import type { Oauth2Settings } from './settings.ts'
import { parseTokenData, type TokenOutcome } from './token-data.ts'

/** What a question to a server needs. */
export interface Asker {
  readonly settings: Oauth2Settings
  readonly http: HttpClient
  readonly request: DatabaseRequest
  readonly signal: AbortSignal
}

export async function askTokenInfo(asker: Asker, token: string): Promise<TokenOutcome> {
  const url = asker.settings.tokeninfo_url + encodeURIComponent(token)
  return await ask(asker, { url }, 'Invalid token', isRefusal)
}

export async function askIntrospection(asker: Asker, token: string): Promise<TokenOutcome> {
  const { introspection_url: url, introspection_mode: mode } = asker.settings
  switch (mode) {
    case 'get':
      return await ask(asker, { url: url + encodeURIComponent(token) }, 'Introspection failed', isRefusal)
    case 'post':
      // An invalid token is an answer with 200; refusals are about us.
      return await ask(asker, { url, form: { token } }, 'Introspection failed', () => false)
    default:
      return await ask(asker, { url, headers: { authorization: `Bearer ${token}` } }, 'Introspection failed', isRefusal)
  }
}

/** The outcome's field `access_token` is the token. */
export async function askGrant(asker: Asker, user: string, password: string): Promise<TokenOutcome> {
  const { grant_url: url, client_id: client, client_secret: secret, scope } = asker.settings
  const form = {
    grant_type: 'password',
    username: user,
    password,
    client_id: client,
    ...(!secret.isEmpty && { client_secret: secret.reveal().toString('utf8') }),
    ...(scope !== '' && { scope }),
  }
  return await ask(asker, { url, form }, 'Password grant failed', isInvalidGrant)
}

/** RFC 6750 §3.1, and what token info servers say to a token they do not know. */
function isRefusal({ status }: HttpAnswer): boolean {
  return status === 400 || status === 401
}

/** RFC 6749 §5.2: every other error is about us. */
function isInvalidGrant({ status, body }: HttpAnswer): boolean {
  return (status === 400 || status === 401) && parseTokenData(body)?.get('error') === 'invalid_grant'
}

async function ask(
  { settings, http, request, signal }: Asker,
  question: HttpQuestion,
  what: string,
  isInvalid: (answer: HttpAnswer) => boolean,
): Promise<TokenOutcome> {
  const headers = { ...question.headers, ...(settings.send_auth_headers && authHeaders(request)) }
  let answer: HttpAnswer
  try {
    answer = await http.ask({ ...question, headers }, signal)
  } catch (error) {
    if (!(error instanceof HttpFault)) throw error
    return { kind: 'failed', log: `oauth2 failed: ${error.message}` }
  }
  if (isInvalid(answer)) return { kind: 'invalid', log: `${what}: status ${answer.status}` }
  const data = answer.status === 200 ? parseTokenData(answer.body) : undefined
  if (data !== undefined) return { kind: 'valid', data }
  const why = answer.status === 200 ? 'the answer is no JSON object' : `status ${answer.status}`
  return { kind: 'failed', log: `oauth2 failed: ${what}: ${why}` }
}

function authHeaders({ lookup }: DatabaseRequest): Record<string, string> {
  const endpoint = (ip: string, port: string): string => {
    const address = lookup(ip) ?? ''
    return `${address.includes(':') ? `[${address}]` : address}:${lookup(port) ?? ''}`
  }
  return {
    'x-dovecot-auth-service': lookup('service') ?? '',
    'x-dovecot-auth-local': endpoint('lip', 'lport'),
    'x-dovecot-auth-remote': endpoint('rip', 'rport'),
  }
}
