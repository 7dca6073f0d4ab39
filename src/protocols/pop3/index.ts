import type { Goodbye, Protocol } from '../protocol.ts'
import { backend } from './backend.ts'
import { login } from './login.ts'
import { serve } from './server/serve.ts'

/** POP3: RFC 1939, with CAPA (RFC 2449), AUTH (RFC 5034), STLS (RFC 2595) and Dovecot's XCLIENT. */
export const pop3: Protocol = {
  name: 'pop3',
  service: 'pop3-login',
  ports: { plain: 110, tls: 995 },
  alpn: 'pop3',
  login,
  backend,
  serve,
  goodbye: (why) => `-ERR ${GOODBYES[why]}\r\n`,
}

const GOODBYES = {
  idle: 'Disconnected for inactivity.',
  'idle-during-auth': 'Disconnected for inactivity during authentication.',
  'login-timeout': 'Timeout while finishing login.',
  'shutting-down': 'Server shutting down.',
  'too-many-connections': 'Connection queue full',
} as const satisfies Record<Goodbye, string>
