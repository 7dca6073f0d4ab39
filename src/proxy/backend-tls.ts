import { getCACertificates } from 'node:tls'
import type { Settings } from '../config/config.ts'
import { buildClientContext, type ClientTlsContext } from '../net/tls-context.ts'

type BackendTlsSettings = Settings

/** Where contexts for settings with authorities of their own come from: the process's TLS cache. */
export interface ClientContexts {
  client(settings: BackendTlsSettings): ClientTlsContext
}

/**
 * TLS contexts towards backends. Whom to trust: `ssl_ca`, `ssl_client_ca_file` and `ssl_client_ca_dir` when any is set, else
 * the authorities of the system (Dovecot 2.3: nobody). The result throws TlsSettingsError for settings that cannot be used.
 */
export function backendContexts(cache: ClientContexts): (settings: BackendTlsSettings) => ClientTlsContext {
  const systemTrusting = new WeakMap<BackendTlsSettings, ClientTlsContext>()
  return (settings) => {
    if (namesAuthorities(settings)) return cache.client(settings)
    const known = systemTrusting.get(settings)
    if (known !== undefined) return known
    const context = buildClientContext(settings, systemAuthorities())
    systemTrusting.set(settings, context)
    return context
  }
}

function namesAuthorities(settings: BackendTlsSettings): boolean {
  return settings.ssl_ca !== '' || settings.ssl_client_ca_file !== '' || settings.ssl_client_ca_dir !== ''
}

let authorities: readonly string[] | undefined

/** Read once: there are more than a hundred. */
function systemAuthorities(): readonly string[] {
  authorities ??= getCACertificates('system')
  return authorities
}
