import type { Settings } from '../config/config.ts'
import { compileUsernameRules, type UsernameRules } from './username.ts'

/** `auth_verbose_passwords`, parsed: how a wrong password is logged. */
export interface VerbosePasswords {
  readonly form: 'plain' | 'sha1'
  readonly length: number
}

/** The settings of one service's logins, ready to use. */
export interface AuthSettings {
  readonly username: UsernameRules
  readonly masterSeparator: string
  readonly anonymousUser: string
  readonly failureDelayMs: number
  /** auth_verbose, or what implies it. */
  readonly verbose: boolean
  readonly debug: boolean
  readonly debugPasswords: boolean
  readonly verbosePasswords: VerbosePasswords | undefined
  readonly realms: readonly string[]
  readonly certificateRequired: boolean
  readonly userFromCertificate: boolean
  /** How log lines about a login begin: the mechanism in lower case. */
  mechanismLabel(mechanism: string | undefined): string
}

/** Everything longer is cut: nobody types it. */
const MAX_LOGGED_PASSWORD = 1024

export function authSettings(settings: Settings): AuthSettings {
  const debug = settings.auth_debug || settings.auth_debug_passwords
  const labels = new Map<string, string>()
  return {
    username: compileUsernameRules(settings),
    masterSeparator: settings.auth_master_user_separator.slice(0, 1),
    anonymousUser: settings.auth_anonymous_username,
    failureDelayMs: settings.auth_failure_delay,
    verbose: settings.auth_verbose || debug,
    debug,
    debugPasswords: settings.auth_debug_passwords,
    verbosePasswords: parseVerbosePasswords(settings.auth_verbose_passwords),
    realms: settings.auth_realms,
    certificateRequired: settings.auth_ssl_require_client_cert,
    userFromCertificate: settings.auth_ssl_username_from_cert,
    mechanismLabel(mechanism) {
      if (mechanism === undefined) return 'auth'
      let label = labels.get(mechanism)
      if (label === undefined) labels.set(mechanism, (label = mechanism.toLowerCase()))
      return label
    },
  }
}

/** `no`, `plain`, `yes` or `sha1`, each but `no` with an optional `:LENGTH`. The configuration has been checked. */
export function parseVerbosePasswords(text: string): VerbosePasswords | undefined {
  const [form = '', length] = text.split(':')
  if (form === 'no' || form === '') return undefined
  const cut =
    length === undefined ? MAX_LOGGED_PASSWORD : Math.min(Number(length) || MAX_LOGGED_PASSWORD, MAX_LOGGED_PASSWORD)
  return { form: form === 'sha1' ? 'sha1' : 'plain', length: cut }
}
