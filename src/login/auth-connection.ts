import type { AuthConnection } from '../auth/auth.ts'
import type { ClientIdentity } from '../protocols/protocol.ts'
import type { HaproxyClient } from './environment.ts'
import type { SessionRecord } from './session-record.ts'

/** A session as the auth service sees it. */
export function authConnection(
  { protocol, identity, realLocal, realRemote, tls }: SessionRecord,
  { haproxy, secured }: { haproxy: HaproxyClient | undefined; secured: boolean },
): AuthConnection {
  const certificateUser = tls?.certificateVerified === true ? tls.certificateUser : haproxy?.certificateUser
  return {
    service: protocol,
    session: identity.session,
    local: identity.local,
    remote: identity.remote,
    realLocal,
    realRemote,
    secured: tls !== undefined ? 'TLS' : secured ? 'secured' : '',
    ...(certificateUser === undefined ? undefined : { certificateUser }),
    ...(identity.localName === undefined ? undefined : { localName: identity.localName }),
    ...(identity.clientId === undefined ? undefined : { clientId: formatClientId(identity.clientId) }),
    forward: identity.forward,
  }
}

/** `%{client_id}`: an IMAP list without its parentheses. */
export function formatClientId(pairs: NonNullable<ClientIdentity['clientId']>): string {
  return pairs.map(([key, value]) => `${quote(key)} ${value === null ? 'NIL' : quote(value)}`).join(' ')
}

function quote(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
