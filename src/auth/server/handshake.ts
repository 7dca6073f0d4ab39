import type { AuthService } from '../auth.ts'
import { tabLine } from './tab-text.ts'

/**
 * What Dovecot says about the safety of a mechanism. Postfix leaves out mechanisms by these words (`smtpd_sasl_security_options`).
 */
const SECURITY: ReadonlyMap<string, readonly string[]> = new Map([
  ['ANONYMOUS', ['anonymous']],
  ['CRAM-MD5', ['dictionary', 'active']],
  ['DIGEST-MD5', ['dictionary', 'active', 'mutual-auth']],
  ['LOGIN', ['plaintext']],
  ['OAUTHBEARER', ['plaintext']],
  ['PLAIN', ['plaintext']],
  ['SCRAM-SHA-1', ['mutual-auth']],
  ['SCRAM-SHA-256', ['mutual-auth']],
  ['XOAUTH2', ['plaintext']],
])

/** Who the server is, to a client: `id` is the connection's number, `cookie` 32 hexadecimal digits. */
export interface ServerIdentity {
  readonly pid: number
  readonly id: number
  readonly cookie: string
}

/** What the server says first. Mechanisms that bind to the client's TLS connection are left out: it is not here. */
export function handshake(mechanisms: AuthService['mechanisms'], { pid, id, cookie }: ServerIdentity): Buffer {
  const offered = mechanisms.filter(({ name }) => !name.endsWith('-PLUS'))
  const lines = [
    ['VERSION', '1', '2'],
    ...offered.map(({ name }) => ['MECH', name, ...(SECURITY.get(name) ?? [])]),
    ['SPID', String(pid)],
    ['CUID', String(id)],
    ['COOKIE', cookie],
    ['DONE'],
  ]
  return Buffer.concat(lines.map(tabLine))
}
