import type { Protocol } from '../protocol.ts'
import { backend } from './backend.ts'
import { goodbye } from './goodbye.ts'
import { login } from './login.ts'
import { serve } from './server/serve.ts'

/** IMAP as a login service, as a proxy, and as a server of mail that is kept here. RFC 3501. */
export const imap: Protocol = {
  name: 'imap',
  service: 'imap-login',
  ports: { plain: 143, tls: 993 },
  alpn: 'imap',
  login,
  backend,
  goodbye,
  serve,
}
