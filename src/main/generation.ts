import { hostname as systemHostname } from 'node:os'
import { lookup } from 'node:dns/promises'
import type { AuthService } from '../auth/auth.ts'
import { openAuthService } from '../auth/service.ts'
import type { Config, Settings } from '../config/config.ts'
import { decideListeners, type ListenerPlan } from '../config/listeners.ts'
import { loadConfig } from '../config/load.ts'
import type { LoginEnvironment } from '../login/environment.ts'
import type { TlsContextCache } from '../net/tls-cache.ts'
import type { Observer } from '../observe/events.ts'
import { isIP } from 'node:net'
import { authServiceInput, type SharedNeeds } from './auth-service-input.ts'
import { systemFiles } from './config-files.ts'
import { throughSnapshot } from './config-snapshot.ts'
import type { ConfigSource } from './messages.ts'

/** Everything one configuration made: sessions that began with it keep it until they end. */
export interface Generation {
  readonly config: Config
  readonly settings: Settings
  readonly auth: AuthService
  readonly environment: LoginEnvironment
  readonly listeners: readonly ListenerPlan[]
}

/** Builds a generation. Throws when the configuration has errors or its databases cannot work. */
export async function buildGeneration(
  source: ConfigSource,
  observer: Observer,
  tls: TlsContextCache,
  workers: number,
  shared: SharedNeeds = {},
): Promise<Generation> {
  const files = throughSnapshot(source.snapshot, systemFiles())
  const { config, complaints } = loadConfig({
    path: source.path,
    files,
    overrides: source.overrides,
    hostname: systemHostname(),
  })
  if (config === undefined)
    throw new Error(complaints.find(({ severity }) => severity === 'error')?.text ?? 'configuration has errors')
  const settings = config.settings({})
  const hostname = settings.hostname === '' ? systemHostname() : settings.hostname
  const auth = await openAuthService(authServiceInput(config, files, observer, hostname, shared))
  const environment: LoginEnvironment = {
    settings: (filter) => config.settings(filter),
    auth,
    hostname,
    tlsAvailable: (wanted) => wanted.ssl !== 'no' && wanted.ssl_cert !== '' && !wanted.ssl_key.isEmpty,
    tlsContext: (wanted) => tls.server(wanted),
    localNames: config.hasLocalNames,
    proxySelf: await resolveSelf(settings.auth_proxy_self),
    maxConnections: connectionShare(config, workers),
  }
  return { config, settings, auth, environment, listeners: decideListeners(config) }
}

/** `auth_proxy_self`: addresses, and names resolved once. */
export async function resolveSelf(names: readonly string[]): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  for (const name of names) {
    if (isIP(name) !== 0) found.add(name)
    else for (const { address } of await lookup(name, { all: true }).catch(() => [])) found.add(address)
  }
  return found
}

/** A worker's share of a service's `client_limit` × `process_limit`. */
function connectionShare(config: Config, workers: number): (service: string) => number {
  const shares = new Map<string, number>()
  return (name) => {
    const known = shares.get(name)
    if (known !== undefined) return known
    const settings = config.settings({})
    const service = config.services.get(name)
    const clients = service?.client_limit || settings.default_client_limit
    const processes = service?.process_limit || settings.default_process_limit
    const share = Math.max(1, Math.ceil((clients * processes) / workers))
    shares.set(name, share)
    return share
  }
}
