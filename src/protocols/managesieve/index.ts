import type { Goodbye, Protocol } from '../protocol.ts'
import { backend } from './backend.ts'
import { login } from './login.ts'

/** ManageSieve: RFC 5804 up to the login. Implicit TLS has no default backend port. */
export const managesieve: Protocol = {
  name: 'sieve',
  service: 'managesieve-login',
  ports: { plain: 4190 },
  alpn: 'managesieve',
  login,
  backend,
  goodbye: (why) => `BYE ${GOODBYES[why]}\r\n`,
}

const GOODBYES = {
  idle: '"Disconnected for inactivity."',
  'idle-during-auth': '"Disconnected for inactivity during authentication."',
  'login-timeout': '"Timeout while finishing login."',
  'shutting-down': '"Server shutting down."',
  'too-many-connections': '"Connection queue full"',
} as const satisfies Record<Goodbye, string>
