import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { backendRoot } from './backend-root.ts'
import { devCertificate } from './certificate.ts'
import { type DevBackend, startDovecotBackend } from './dovecot-backend.ts'
import { backendHost } from './free-port.ts'
import { startOwnBackend } from './own-backend.ts'
import { startOutbox } from './outbox.ts'
import type { SampleProtocol } from './sample-protocols.ts'
import { type SampleBackend, SAMPLE_USERS, userQuery, writeUserDatabase } from './users.ts'

/** A configuration to serve, and the backends it sends its users to. */
export interface SampleProxy {
  readonly configFile: string
  /** One a user. */
  readonly backends: readonly SampleBackend[]
  stop(): Promise<void>
}

/** Starts two backends and writes everything that a proxy in front of them needs into `directory`. */
export async function prepareSampleProxy(
  directory: string,
  protocols: readonly SampleProtocol[],
): Promise<SampleProxy> {
  mkdirSync(directory, { recursive: true })
  const certificate = await devCertificate(directory)
  const root = backendRoot(directory)
  const outbox = await startOutbox(join(directory, 'outbox'))
  const started: DevBackend[] = []
  const backends: SampleBackend[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(started.map(async (backend) => await backend.stop()))
    await outbox.stop()
    root.cleanUp()
  }
  try {
    const starting = SAMPLE_USERS.map(async ({ name }, index) => {
      const place = join(root.path, `backend${index + 1}`)
      return await startBackends(place, await backendHost(index), name, outbox.port, started)
    })
    backends.push(...(await Promise.all(starting)))
  } catch (error) {
    await stop()
    throw error
  }
  const users = join(directory, 'users.sqlite')
  writeUserDatabase(users, backends)
  writeFileSync(join(directory, 'dovecot-sql.conf.ext'), `driver = sqlite\nconnect = ${users}\n${userQuery()}`)
  const configFile = join(directory, 'dovecot.conf')
  writeFileSync(configFile, proxyConfig(directory, certificate, protocols))
  return { configFile, backends, stop }
}

/** A Postern, and a Dovecot for what Postern does not serve itself; both are put among `started`. */
async function startBackends(
  place: string,
  host: string,
  user: string,
  relayPort: number,
  started: DevBackend[],
): Promise<SampleBackend> {
  const keep = <Backend extends DevBackend | undefined>(backend: Backend): Backend => {
    if (backend !== undefined) started.push(backend)
    return backend
  }
  const [own, other] = await Promise.all([
    startOwnBackend(place, host, user).then(keep),
    startDovecotBackend(join(place, 'dovecot'), host, relayPort).then(keep),
  ])
  return { host, ports: { ...other?.ports, ...own.ports } }
}

function proxyConfig(
  directory: string,
  certificate: { cert: string; key: string },
  protocols: readonly SampleProtocol[],
): string {
  return `# Written anew by every "npm start". A complete Postern proxy; Dovecot 2.3 reads it as well.
protocols = ${protocols.map(({ name }) => name).join(' ')}
listen = 127.0.0.1
base_dir = ${directory}/run
log_path = ${directory}/postern.log
ssl_cert = <${certificate.cert}
ssl_key = <${certificate.key}
disable_plaintext_auth = no
auth_verbose = yes
lmtp_proxy = yes

${protocols.map(listeners).join('')}
passdb {
  driver = sql
  args = ${directory}/dovecot-sql.conf.ext
}
`
}

function listeners({ name, service, port, tlsPort }: SampleProtocol): string {
  const tls = tlsPort === undefined ? '' : `  inet_listener ${name}s {\n    port = ${tlsPort}\n    ssl = yes\n  }\n`
  return `service ${service} {\n  inet_listener ${name} {\n    port = ${port}\n  }\n${tls}}\n`
}
