import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { backendRoot } from './dev/backend-root.ts'
import { devCertificate } from './dev/certificate.ts'
import { startDovecotBackend, type DevBackend } from './dev/dovecot-backend.ts'
import { SAMPLE_PASSWORD, SAMPLE_USERS, writeUserDatabase } from './dev/users.ts'
import { serveCommand } from './serve.ts'

const PORTS = { imap: 1143, imaps: 1993 } as const

/**
 * `npm start`: a proxy with an embedded SQLite user table in front of two backends, on fixed loopback ports, everything
 * under `var/dev`. Runs until it is interrupted.
 */
export async function devCommand(): Promise<number> {
  const directory = join(fileURLToPath(new URL('../..', import.meta.url)), 'var', 'dev')
  mkdirSync(directory, { recursive: true })
  const certificate = await devCertificate(directory)
  const root = backendRoot(directory)
  const backends = await startBackends(root.path)
  try {
    writeUserDatabase(join(directory, 'users.sqlite'), backends.ports)
    writeFileSync(join(directory, 'dovecot-sql.conf.ext'), sqlConfig(directory))
    writeFileSync(join(directory, 'dovecot.conf'), proxyConfig(directory, certificate))
    process.stdout.write(intro(directory, backends.running))
    return await serveCommand(['-c', join(directory, 'dovecot.conf')])
  } finally {
    await Promise.all(backends.running.map(async (backend) => await backend.stop()))
    root.cleanUp()
  }
}

interface Backends {
  readonly running: readonly DevBackend[]
  /** Two ports; where nothing listens when Dovecot is not installed. */
  readonly ports: readonly [number, number]
}

async function startBackends(directory: string): Promise<Backends> {
  const running: DevBackend[] = []
  for (const [index, user] of SAMPLE_USERS.entries()) {
    const backend = await startDovecotBackend(join(directory, `backend${index + 1}`), user.name)
    if (backend !== undefined) running.push(backend)
  }
  const [first, second] = running
  return { running, ports: [first?.port ?? 9, second?.port ?? 9] }
}

function proxyConfig(directory: string, certificate: { cert: string; key: string }): string {
  return `# Written anew by every "npm start". A complete Postern proxy; Dovecot 2.3 reads it as well.
protocols = imap
listen = 127.0.0.1
base_dir = ${directory}/run
log_path = ${directory}/postern.log
ssl_cert = <${certificate.cert}
ssl_key = <${certificate.key}
disable_plaintext_auth = no
auth_verbose = yes

service imap-login {
  inet_listener imap {
    port = ${PORTS.imap}
  }
  inet_listener imaps {
    port = ${PORTS.imaps}
    ssl = yes
  }
}

passdb {
  driver = sql
  args = ${directory}/dovecot-sql.conf.ext
}
`
}

function sqlConfig(directory: string): string {
  return `driver = sqlite
connect = ${directory}/users.sqlite
password_query = SELECT user, password, 'Y' AS proxy, host, port FROM users WHERE user = '%u'
`
}

function intro(directory: string, backends: readonly DevBackend[]): string {
  const [alice, bob] = SAMPLE_USERS
  const missing =
    backends.length === SAMPLE_USERS.length
      ? `Backends: real Dovecot on ${backends.map(({ port }) => `127.0.0.1:${port}`).join(' and ')}`
      : 'Backends: NONE. Dovecot is not installed here, so logins are answered "NO [UNAVAILABLE]".\n  On Debian: apt-get install dovecot-imapd'
  return `
Postern sample proxy. ${missing}
Users:    ${alice.name} (backend 1) and ${bob.name} (backend 2), password "${SAMPLE_PASSWORD}"
Try:      curl -u ${alice.name}:${SAMPLE_PASSWORD} imap://127.0.0.1:${PORTS.imap}/INBOX
          curl -k -u ${bob.name}:${SAMPLE_PASSWORD} imaps://127.0.0.1:${PORTS.imaps}/
          openssl s_client -quiet -starttls imap -connect 127.0.0.1:${PORTS.imap}
          node bin/postern.js auth explain ${alice.name} -c ${directory}/dovecot.conf
          node bin/postern.js doctor -c ${directory}/dovecot.conf
Files:    ${directory} (dovecot.conf, users.sqlite, postern.log)
Stop:     Ctrl-C

`
}
