import type { AuthConnection } from '../auth/auth.ts'
import type { ProxyHeader } from '../net/haproxy-header.ts'
import type { ClientIdentity } from '../protocols/protocol.ts'
import type { SessionRecord } from './session-record.ts'

/** A session as the auth service sees it. */
export function authConnection(
  { protocol, identity, realLocal, realRemote, tls }: SessionRecord,
  { haproxy, secured }: { haproxy: ProxyHeader | undefined; secured: boolean },
): AuthConnection {
  const proxied = haproxy?.tls?.certificateVerified === true ? haproxy.tls.commonName : undefined
  const certificateUser = tls?.certificateVerified === true ? tls.certificateUser : proxied
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
