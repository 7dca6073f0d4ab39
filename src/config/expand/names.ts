import { hostname } from 'node:os'

/** One-character variables and the long names they stand for; they differ by context. */
export type ShortNames = ReadonlyMap<string, string>

const common: readonly (readonly [string, string])[] = [
  ['u', 'user'],
  ['n', 'username'],
  ['d', 'domain'],
  ['s', 'service'],
  ['l', 'lip'],
  ['r', 'rip'],
  ['p', 'pid'],
]

/** passdb and userdb queries, args, default and override fields, auth_username_format. */
export const authShortNames: ShortNames = new Map([
  ...common,
  ['a', 'lport'],
  ['b', 'rport'],
  ['w', 'password'],
  ['m', 'mech'],
  ['c', 'secured'],
  ['k', 'cert'],
  ['h', 'home'],
  // The number of the passdb or userdb has no long name.
  ['!', '!'],
])

/** login_log_format_elements, login_greeting. */
export const loginShortNames: ShortNames = new Map([
  ...common,
  ['a', 'lport'],
  ['b', 'rport'],
  ['m', 'mech'],
  ['c', 'secured'],
  ['k', 'ssl_security'],
  ['e', 'mail_pid'],
])

/** mail_location, mail_home, plugin settings, namespaces, mail_log_prefix. */
export const mailShortNames: ShortNames = new Map([...common, ['i', 'uid'], ['h', 'home']])

const aliases: ReadonlyMap<string, string> = new Map([
  ['local_ip', 'lip'],
  ['remote_ip', 'rip'],
  ['local_port', 'lport'],
  ['remote_port', 'rport'],
  ['real_local_ip', 'real_lip'],
  ['real_remote_ip', 'real_rip'],
  ['real_local_port', 'real_lport'],
  ['real_remote_port', 'real_rport'],
  ['mechanism', 'mech'],
  ['original_user', 'orig_user'],
  ['original_username', 'orig_username'],
  ['original_domain', 'orig_domain'],
])

/** The one name that a lookup knows a variable by. */
export function canonicalName(name: string): string {
  return aliases.get(name) ?? name
}

/** Fields of these kinds may be absent: then they are their default, or empty. */
export const fieldKinds: ReadonlySet<string> = new Set(['passdb', 'userdb', 'ldap', 'ldap_ptr', 'oauth2', 'dict'])

/** Variables of the process, for contexts that do not set them themselves. */
export function builtinVariable(name: string): string | undefined {
  switch (name) {
    case 'pid':
      return String(process.pid)
    case 'uid':
      return String(process.geteuid?.() ?? 0)
    case 'gid':
      return String(process.getegid?.() ?? 0)
    case 'hostname':
      return hostname()
    default:
      return undefined
  }
}
