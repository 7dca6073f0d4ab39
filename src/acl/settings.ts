// The plugin settings `acl` and `acl_*` of one user, read and judged.

export interface AclSettings {
  /** The global directory or file; `undefined`: there are no global entries. */
  readonly globalPath: string | undefined
  /** How long a file that was looked at is believed, `cache_secs`. 0: it is looked at every time. */
  readonly cacheMs: number
  /** `acl_globals_only`: dovecot-acl files count for nothing. */
  readonly globalsOnly: boolean
  /** `acl_defaults_from_inbox`: INBOX is the default object of private and shared namespaces. */
  readonly defaultsFromInbox: boolean
  /** `acl_ignore_namespace`, `...2` and so on: patterns of namespace prefixes where everything is allowed. */
  readonly ignoredNamespaces: readonly string[]
  /** `acl_groups`; blanks belong to the names, as in Dovecot. */
  readonly groups: ReadonlySet<string>
  /** `acl_user`. */
  readonly user: string | undefined
  /** `acl_shared_dict`. */
  readonly sharedDict: string | undefined
  /** `acl_anyone = allow`: SETACL may give rights to everybody. */
  readonly allowsAnyone: boolean
  /** `acl_strict`: a letter that means nothing makes a file count for nothing, as in Dovecot. */
  readonly isStrict: boolean
  /** `acl_inherit`: `copy` at creation, as Dovecot; `live`: mailboxes go on following those above them. */
  readonly inherit: 'copy' | 'live'
  /** `acl_audit_log`: every change is appended to this file. */
  readonly auditLog: string | undefined
}

export type AclSettingsOutcome =
  /** `acl` is not set: there are no ACLs for this user. */
  | { readonly kind: 'off' }
  | { readonly kind: 'on'; readonly settings: AclSettings }
  /** The session must end; `log` has Dovecot's words. */
  | { readonly kind: 'fault'; readonly log: string }

/** Dovecot's ACL_DEFAULT_CACHE_SECS. */
const CACHE_SECS = 30

/** Reads the plugin settings, with variables expanded and fields of the userdb applied. */
export function readAclSettings(plugin: ReadonlyMap<string, string>): AclSettingsOutcome {
  const acl = plugin.get('acl') ?? ''
  if (acl === '') return { kind: 'off' }
  const backend = readBackend(acl)
  if (typeof backend === 'string') return { kind: 'fault', log: backend }
  const inherit = plugin.get('acl_inherit') ?? 'copy'
  if (inherit !== 'copy' && inherit !== 'live')
    return { kind: 'fault', log: `acl: Invalid acl_inherit value: ${inherit}` }
  const groups = plugin.get('acl_groups')
  return {
    kind: 'on',
    settings: {
      ...backend,
      inherit,
      globalsOnly: isOn(plugin.get('acl_globals_only')),
      defaultsFromInbox: isOn(plugin.get('acl_defaults_from_inbox')),
      ignoredNamespaces: readIgnored(plugin),
      groups: new Set(groups === undefined ? [] : groups.split(',')),
      user: notEmpty(plugin.get('acl_user')),
      sharedDict: notEmpty(plugin.get('acl_shared_dict')),
      allowsAnyone: plugin.get('acl_anyone') === 'allow',
      isStrict: isOn(plugin.get('acl_strict')),
      auditLog: notEmpty(plugin.get('acl_audit_log')),
    },
  }
}

/** The user that entries are matched with: `acl_user`, else the master user, else who logged in. */
export function aclUserName({ user }: AclSettings, masterUser: string | undefined, loginUser: string): string {
  return user ?? notEmpty(masterUser) ?? loginUser
}

/** `vfile[:<path>][:cache_secs=<seconds>]`; a string is what is wrong. */
function readBackend(acl: string): { globalPath: string | undefined; cacheMs: number } | string {
  const [driver = '', path = '', ...parameters] = acl.split(':')
  if (driver !== 'vfile') return `Unknown ACL backend: ${driver}`
  let cacheSecs = CACHE_SECS
  for (const parameter of parameters) {
    const [, value] = /^cache_secs=(.*)$/s.exec(parameter) ?? []
    if (value === undefined) return `acl vfile: Unknown parameter: ${parameter}`
    if (!/^\d{1,9}$/.test(value)) return `acl vfile: Invalid cache_secs value: ${value}`
    cacheSecs = Number(value)
  }
  return { globalPath: notEmpty(path), cacheMs: cacheSecs * 1000 }
}

function readIgnored(plugin: ReadonlyMap<string, string>): readonly string[] {
  const patterns: string[] = []
  // Numbered without gaps: the first one that is not set ends the list.
  for (let number = 1; ; number += 1) {
    const pattern = plugin.get(`acl_ignore_namespace${number === 1 ? '' : number}`)
    if (pattern === undefined) return patterns
    patterns.push(pattern)
  }
}

/** A plugin setting is on unless it says no; even an empty one. */
function isOn(value: string | undefined): boolean {
  return value !== undefined && !/^(no?|f(alse)?|0)$/i.test(value)
}

function notEmpty(value: string | undefined): string | undefined {
  return value === '' ? undefined : value
}
