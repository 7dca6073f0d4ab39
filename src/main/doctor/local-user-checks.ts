import type { Finding } from '../../admin/doctor/finding.ts'
import { parsePassdbArgs } from '../../auth/passwd-file.ts'
import type { Config, ConfigFiles, PassdbSettings } from '../../config/config.ts'
import { loginProtocols } from '../../protocols/index.ts'

/** Files of users that are larger are not looked through. */
const MAX_FILE_BYTES = 64 * 1024 * 1024

/**
 * Protocols that can only be proxied, with a passdb that has users without `proxy`: their logins fail for now. Where it
 * cannot be known (another database decides, a later passdb adds to what this one says) nothing is said.
 */
export function checkLocalUsers(config: Config, files: Pick<ConfigFiles, 'read'>): readonly Finding[] {
  const { protocols } = config.settings({})
  const found = new Map<string, { readonly passdb: PassdbSettings; readonly protocols: string[] }>()
  for (const protocol of loginProtocols) {
    const { name } = protocol
    if (protocol.serve !== undefined || !protocols.includes(name)) continue
    const passdb = passdbWithLocalUsers(config.passdbs(name), files)
    if (passdb === undefined) continue
    const key = `${passdb.at.file}:${passdb.at.line}`
    const known = found.get(key)
    if (known === undefined) found.set(key, { passdb, protocols: [name] })
    else known.protocols.push(name)
  }
  return [...found.values()].map((each) => ({ severity: 'warning', text: textOf(each), at: each.passdb.at }))
}

function textOf({ passdb, protocols }: { passdb: PassdbSettings; protocols: readonly string[] }): string {
  return `passdb ${passdb.driver} has users without proxy: in ${protocols.join(' and ')} there is no local service, they are told to come later`
}

function passdbWithLocalUsers(
  passdbs: readonly PassdbSettings[],
  files: Pick<ConfigFiles, 'read'>,
): PassdbSettings | undefined {
  const asked = passdbs.filter(({ deny, master }) => !deny && !master)
  // What is said about a user then adds up.
  if (asked.some(({ result_success: then, pass }) => pass || then.startsWith('continue'))) return undefined
  const last = asked.findIndex(takesEverybody)
  return asked.slice(0, last < 0 ? asked.length : last + 1).find((passdb) => hasLocalUsers(passdb, files))
}

/** Those behind it are never asked. */
function takesEverybody({ driver, args }: PassdbSettings): boolean {
  return driver === 'static' && /\bnopassword\b/.test(args)
}

function hasLocalUsers(passdb: PassdbSettings, files: Pick<ConfigFiles, 'read'>): boolean {
  const { driver, args, default_fields, override_fields, mechanisms } = passdb
  if (mechanisms.length === 1 && mechanisms[0]?.toLowerCase() === 'none') return false
  if (sendsAway(`${default_fields} ${override_fields}`)) return false
  switch (driver) {
    case 'static':
      return !sendsAway(args)
    // They know passwords and nothing else.
    case 'imap':
    case 'pam':
    case 'passwd':
    case 'shadow':
      return true
    case 'passwd-file':
      return rowsOf(args, files).some(isLocal)
    case 'ldap':
    case 'oauth2':
      return !sendsAway(settingsOf(args, files) ?? 'proxy')
    case 'sql':
      return isLocalQuery(settingsOf(args, files) ?? '')
    default:
      return false
  }
}

/** To a backend, or away: what the words or the rows of a database say of a user. */
function sendsAway(text: string): boolean {
  return /\b(?:proxy|proxy_maybe|proxy_always|nologin|fail)\b/i.test(text)
}

/** A row of a passwd-file whose user can log in, and stays. */
function isLocal(row: string): boolean {
  const [, password = '', ...others] = row.split(':')
  return !/^(?:[*!]|$)/.test(password) && !sendsAway(others.slice(5).join(':'))
}

/** A query names its columns, unless it takes all of them, or calls something. */
function isLocalQuery(text: string): boolean {
  const query = /^\s*password_query\s*=(.*)$/im.exec(text)?.[1] ?? ''
  return /\bselect\b/i.test(query) && !query.includes('*') && !sendsAway(query)
}

/** The rows of a passwd-file; none when its name depends on the user, or it cannot be read. */
function rowsOf(args: string, files: Pick<ConfigFiles, 'read'>): readonly string[] {
  const parsed = parsePassdbArgs(args)
  if (typeof parsed === 'string' || parsed.path.includes('%')) return []
  const text = textAt(parsed.path, files) ?? ''
  return text.split('\n').filter((row) => /^[^#:\s][^:]*:/.test(row))
}

/** The ext file that `args` names, without comments and with whole lines. */
function settingsOf(args: string, files: Pick<ConfigFiles, 'read'>): string | undefined {
  return textAt(args, files)
    ?.replace(/^\s*#.*$/gm, '')
    .replace(/\\\r?\n/g, ' ')
}

/** Undefined when it cannot be read: another check tells why. */
function textAt(path: string, files: Pick<ConfigFiles, 'read'>): string | undefined {
  try {
    const bytes = files.read(path)
    if (bytes.length > MAX_FILE_BYTES) return undefined
    return typeof bytes === 'string' ? bytes : bytes.toString('latin1')
  } catch {
    return undefined
  }
}
