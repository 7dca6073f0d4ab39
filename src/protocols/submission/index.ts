import type { Goodbye, Protocol } from '../protocol.ts'
import { encodeLine } from '../wire-text.ts'
import { backend } from './backend.ts'
import { login } from './login.ts'

/** Submission: RFC 6409 up to the login (RFC 4954); afterwards the backend speaks. Implicit TLS has no default backend port. */
export const submission: Protocol = {
  name: 'submission',
  service: 'submission-login',
  ports: { plain: 587 },
  alpn: 'smtp',
  login,
  backend,
  goodbye: (why, hostname) => `421 ${GOODBYES[why].replace('%h', encodeLine(hostname))}\r\n`,
}

const GOODBYES = {
  idle: '4.4.2 %h Disconnected for inactivity.',
  'idle-during-auth': '4.4.2 %h Disconnected for inactivity during authentication.',
  'login-timeout': '4.4.2 %h Timeout while finishing login.',
  'shutting-down': '4.3.2 %h Shutting down',
  'too-many-connections': '4.3.2 %h Connection queue full',
} as const satisfies Record<Goodbye, string>
