// The plugin settings `acl` and `acl_*` of one user, read and judged.

/** `copy` at creation, as Dovecot; `live`: mailboxes go on following those above them. */
export type Inheritance = 'copy' | 'live'

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
  /** `acl_inherit`: what new mailboxes have from those above them. */
  readonly inherit: Inheritance
  /** `acl_inherit_NAME`, by the name of the namespace's section: what holds there instead. */
  readonly inheritIn: ReadonlyMap<string, Inheritance>
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
  const inheritance = readInheritance(plugin)
  if (typeof inheritance === 'string') return { kind: 'fault', log: inheritance }
  const groups = plugin.get('acl_groups')
  return {
    kind: 'on',
    settings: {
      ...backend,
      ...inheritance,
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

/** How mailboxes of a namespace inherit; `name`: that of its section. */
export function inheritanceIn({ inherit, inheritIn }: AclSettings, name: string): Inheritance {
  return inheritIn.get(name) ?? inherit
}

/** A string is what is wrong. */
function readInheritance(plugin: ReadonlyMap<string, string>): Pick<AclSettings, 'inherit' | 'inheritIn'> | string {
  let inherit: Inheritance = 'copy'
  const inheritIn = new Map<string, Inheritance>()
  for (const [key, value] of plugin) {
    const name = inheritKeyOf(key)
    if (name === undefined) continue
    if (value !== 'copy' && value !== 'live') return `acl: Invalid ${key} value: ${value}`
    if (name === '') inherit = value
    else inheritIn.set(name, value)
  }
  return { inherit, inheritIn }
}

/** The namespace that `acl_inherit_NAME` is about, `''` for `acl_inherit`; `undefined` for another setting. */
export function inheritKeyOf(key: string): string | undefined {
  return /^acl_inherit(?:_(.+))?$/s.exec(key)?.map((part) => part ?? '')[1]
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
