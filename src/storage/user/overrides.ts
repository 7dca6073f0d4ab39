import type { Config, Filter, MailboxSettings, NamespaceSettings, Settings } from '../../config/config.ts'
import type { Row } from '../../config/setting.ts'
import { settingRows } from '../../config/settings/index.ts'
import { mailboxRows, namespaceRows } from '../../config/settings/namespace.ts'
import { MailUserError } from './mail-user-error.ts'

/** What the configuration says of one user, after the userdb changed some of it. Variables are not filled in. */
export interface UserSettings {
  readonly settings: Settings
  readonly plugin: ReadonlyMap<string, string>
  readonly namespaces: readonly NamespaceSettings[]
}

/** Fields of the userdb that are no settings. */
const SPECIAL = new Set([
  'uid',
  'gid',
  'home',
  'user',
  'chroot',
  'system_groups_user',
  'nice',
  'chdir',
  'auth_mech',
  'auth_token',
  'auth_user',
  'admin',
  'anonymous',
  'tempfail',
  'reason',
  'uidgid_file',
  'userdb_import',
  'noreplicate',
  'master_user_auth',
  'original_user',
]) // prettier-ignore

const ALIASES: ReadonlyMap<string, string> = new Map([['mail', 'mail_location']])
const NAMESPACE_ALIASES: ReadonlyMap<string, string> = new Map([
  ['mail', 'location'],
  ['mail_location', 'location'],
])

const settingTable: ReadonlyMap<string, Row<unknown>> = new Map(Object.entries(settingRows))
const namespaceTable: ReadonlyMap<string, Row<unknown>> = new Map(Object.entries(namespaceRows))
const mailboxTable: ReadonlyMap<string, Row<unknown>> = new Map(Object.entries(mailboxRows))

/**
 * Applies userdb fields: a field overrides the setting of its name or path, `plugin/KEY` and any name that is no setting go to
 * the plugin settings, `key+` appends. Throws MailUserError for a value the setting cannot have.
 */
export function applyUserdbFields(config: Config, filter: Filter, fields: ReadonlyMap<string, string>): UserSettings {
  const overrides = new Overrides(config, filter)
  for (const [key, value] of fields) if (!SPECIAL.has(key) && !key.startsWith('event_')) overrides.apply(key, value)
  return overrides
}

class Overrides implements UserSettings {
  settings: Settings
  readonly plugin: Map<string, string>
  namespaces: NamespaceSettings[]

  constructor(config: Config, filter: Filter) {
    this.settings = config.settings(filter)
    this.plugin = new Map(config.plugin(filter))
    this.namespaces = [...config.namespaces(filter)]
  }

  apply(written: string, value: string): void {
    const appends = written.endsWith('+')
    const key = appends ? written.slice(0, -1) : written
    const [head = '', name, ...rest] = key.split('/')
    if (head === 'namespace' && name !== undefined && rest.length > 0) {
      this.#namespace(key, name, rest, value)
      return
    }
    const setting = ALIASES.get(key) ?? key
    const row = settingTable.get(setting)
    if (row === undefined) {
      const plugin = head === 'plugin' ? key.slice('plugin/'.length) : key
      this.plugin.set(plugin, (appends ? (this.plugin.get(plugin) ?? '') : '') + value)
      return
    }
    const old: unknown = Reflect.get(this.settings, setting)
    const before = appends && (typeof old === 'string' || Array.isArray(old)) ? textOf(old) : ''
    this.settings = { ...this.settings, [setting]: read(row, key, before + value) }
  }

  #namespace(key: string, name: string, rest: readonly string[], value: string): void {
    const at = this.namespaces.findIndex((namespace) => namespace.name === name)
    const namespace = this.namespaces[at]
    // A path that leads nowhere is a plugin setting, as every name that is no setting.
    if (namespace === undefined) this.plugin.set(key, value)
    else this.namespaces[at] = changeNamespace(namespace, key, rest, value)
  }
}

function changeNamespace(
  namespace: NamespaceSettings,
  key: string,
  [head = '', box, setting]: readonly string[],
  value: string,
): NamespaceSettings {
  if (head === 'mailbox' && box !== undefined && setting !== undefined) {
    const row = mailboxTable.get(setting)
    if (row === undefined) throw invalid(key, value, 'Unknown setting')
    const change = (old: MailboxSettings): MailboxSettings =>
      old.name === box ? { ...old, [setting]: read(row, key, value) } : old
    return { ...namespace, mailboxes: namespace.mailboxes.map(change) }
  }
  const name = NAMESPACE_ALIASES.get(head) ?? head
  const row = namespaceTable.get(name)
  if (row === undefined || box !== undefined) throw invalid(key, value, 'Unknown setting')
  return { ...namespace, [name]: read(row, key, value) }
}

function read(row: Row<unknown>, key: string, text: string): unknown {
  const result = row.read(text)
  if (!result.ok) throw invalid(key, text, result.error)
  return result.value
}

function textOf(old: string | readonly unknown[]): string {
  return typeof old === 'string' ? old : `${old.join(' ')} `
}

function invalid(key: string, value: string, why: string): MailUserError {
  return new MailUserError(`Invalid userdb input '${key}=${value}': ${why}`)
}
