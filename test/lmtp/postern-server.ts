/**
 * LMTP of this checkout in a process of its own: `node postern-server.ts CONFIG`. Listens where the configuration says, logs to
 * stderr, and says `ready` when it accepts. SIGTERM ends it politely.
 */
import { hostname } from 'node:os'
import { randomBytes } from 'node:crypto'
import { passdbDrivers } from '../../src/auth/passdb/index.ts'
import { openAuthService } from '../../src/auth/service.ts'
import { userdbDrivers } from '../../src/auth/userdb/index.ts'
import { decideListeners } from '../../src/config/listeners.ts'
import { loadConfig } from '../../src/config/load.ts'
import { systemAuthNeeds } from '../../src/main/auth-needs.ts'
import { systemFiles } from '../../src/main/config-files.ts'
import { createLmtpService, type LmtpEnvironment } from '../../src/main/lmtp-services.ts'
import { openPlannedListener } from '../../src/main/planned-listener.ts'
import { openLog } from '../../src/main/log-setup.ts'
import { TICKET_KEY_BYTES, TlsContextCache } from '../../src/net/tls-cache.ts'
import { findMechanism } from '../../src/sasl/index.ts'

const path = process.argv[2] ?? ''
const files = systemFiles()
const { config, complaints } = loadConfig({ path, files, hostname: hostname() })
if (config === undefined) throw new Error(complaints.map(({ text }) => text).join('\n'))
const settings = config.settings({})
const observer = openLog(settings)
const tls = new TlsContextCache(randomBytes(TICKET_KEY_BYTES))
const auth = await openAuthService({
  config,
  configFiles: files,
  needs: systemAuthNeeds(observer, settings.hostname),
  services: ['lmtp'],
  passdbDrivers,
  userdbDrivers,
  findMechanism,
})
const environment: LmtpEnvironment = {
  settings: (filter) => config.settings(filter),
  auth,
  hostname: settings.hostname,
  tlsAvailable: (wanted) => wanted.ssl !== 'no' && wanted.ssl_cert !== '' && !wanted.ssl_key.isEmpty,
  tlsContext: (wanted) => tls.server(wanted),
  localNames: true,
  proxySelf: new Set(settings.auth_proxy_self),
  maxConnections: () => 1000,
}
const service = createLmtpService({ observer, tlsContexts: tls }, () => environment)
const plans = decideListeners(config).filter(({ protocol }) => protocol === 'lmtp')
for (const plan of plans) {
  const listener = await openPlannedListener(
    plan,
    () => settings,
    observer,
    (stream, haproxy) =>
      service.accept(stream, { ssl: plan.ssl, ...(haproxy === undefined ? undefined : { haproxy }) }),
  )
  listener.start()
}
process.stdout.write('ready\n')
process.once('SIGTERM', () => void service.shutDown().then(() => process.exit(0)))
// For the test of what a large message costs.
process.on('SIGUSR2', () =>
  process.stdout.write(`rss ${process.memoryUsage.rss()} ${process.resourceUsage().maxRSS * 1024}\n`),
)
