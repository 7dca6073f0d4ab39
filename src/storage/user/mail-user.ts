import { hostname } from 'node:os'
import type { Config, Filter, Settings } from '../../config/config.ts'
import { compileTemplate, ExpandError, mailShortNames, type VariableLookup } from '../../config/expand.ts'
import type { NamespaceSpec } from '../namespace.ts'
import { afterAt, beforeAt } from '../../util/user-name.ts'
import { expandPath, type LocationPlace } from './mail-location.ts'
import { MailUserError } from './mail-user-error.ts'
import { effectiveNamespaces, type OwnerFacts } from './effective-namespaces.ts'
import { applyUserdbFields } from './overrides.ts'

/** A user whose mail is to be opened. */
export interface MailUserInput {
  readonly config: Config
  readonly filter: Filter
  /** `imap`, `pop3`, `lmtp`, `doveadm` ...: %s. */
  readonly service: string
  readonly user: string
  /** What the userdb said. */
  readonly fields: ReadonlyMap<string, string>
  /** Further %variables by long name: rip, lip, session, auth_user ... */
  readonly variables: ReadonlyMap<string, string>
  readonly system: MailSystem
  /** Home of another user, for shared namespaces, and with `route` his server; `undefined` for one who does not exist. */
  lookupOwner(owner: string, route: boolean): Promise<OwnerFacts | undefined>
}

/** What of the machine decides where mail is. */
export interface MailSystem {
  /** Formats there are. */
  readonly formats: ReadonlySet<string>
  systemHome(name: string): string | undefined
  isDirectory(path: string): boolean
}

/** Everything that is settled about a user before mail is opened. */
export interface MailUser {
  readonly user: string
  readonly home: string | undefined
  /** With the overrides of the userdb; mail_location and mail_home have their variables filled in. */
  readonly settings: Settings
  /** `plugin {}` with the userdb's additions, variables filled in. */
  readonly plugin: ReadonlyMap<string, string>
  /** Effective `mail_plugins`. */
  readonly plugins: ReadonlySet<string>
  readonly namespaces: readonly NamespaceSpec[]
}

/** Decides where a user's mail is and which settings hold for it. Throws MailUserError. */
export function resolveMailUser(input: MailUserInput): MailUser {
  const { settings, plugin, namespaces } = applyUserdbFields(input.config, input.filter, input.fields)
  const home = homeOf(input, settings)
  const lookup = variablesOf(input, settings, home)
  const expand = (text: string, what: string): string => expandText(text, lookup, what)
  const expanded = {
    ...settings,
    mail_home: home ?? '',
    mail_location: expand(settings.mail_location, 'mail_location'),
  }
  const { system } = input
  const place: LocationPlace = {
    home,
    formats: system.formats,
    systemHome: (name) => system.systemHome(name),
    isDirectory: (path) => system.isDirectory(path),
  }
  return {
    user: input.user,
    home,
    settings: expanded,
    plugin: new Map([...plugin].map(([key, value]) => [key, expand(value, `plugin setting ${key} = '${value}'`)])),
    plugins: new Set(settings.mail_plugins),
    namespaces: effectiveNamespaces({
      user: input.user,
      namespaces,
      mailLocation: expanded.mail_location,
      sharedExplicitInbox: settings.mail_shared_explicit_inbox,
      place,
      expand: (text, what) => expand(text, what),
      expandFor: (text, owner, ownerHome) => expandText(text, ownerVariables(owner, ownerHome), 'location'),
      lookupOwner: (owner, route) => input.lookupOwner(owner, route),
      remote: { hasHost: settings.imapc_host !== '', isRouted: settings.postern_remote_owners },
    }),
  }
}

/** The userdb's home, else mail_home; absolute. */
function homeOf(input: MailUserInput, settings: Settings): string | undefined {
  const { fields, system } = input
  const given =
    fields.get('home') || expandText(settings.mail_home, variablesOf(input, settings, undefined), 'mail_home')
  if (given === '') return undefined
  // A chroot inside the home is not entered.
  const path = given.replace('/./', '/')
  if (path.startsWith('/')) return path.replace(/(?<=.)\/+$/, '')
  if (path.startsWith('~'))
    return expandPath(path, 'home', { home: undefined, systemHome: (name) => system.systemHome(name) })
  throw new MailUserError(`Relative home directory paths not supported (for user ${input.user}): ${path}`)
}

/** %variables of mail processes. */
export function variablesOf(
  { user, service, variables, fields }: Pick<MailUserInput, 'user' | 'service' | 'variables' | 'fields'>,
  settings: Settings,
  home: string | undefined,
): VariableLookup {
  const own = new Map([
    ['user', user],
    ['username', beforeAt(user)],
    ['domain', afterAt(user)],
    ['service', service],
    ['home', home ?? ''],
    ['hostname', settings.hostname || hostname()],
    ['pid', String(process.pid)],
    ['uid', String(process.geteuid?.() ?? 0)],
    ['gid', String(process.getegid?.() ?? 0)],
    ['auth_user', user],
    ['auth_username', beforeAt(user)],
    ['auth_domain', afterAt(user)],
    ['lip', ''],
    ['rip', ''],
    ['session', ''],
  ])
  return (name) => {
    if (name.startsWith('userdb:')) return fields.get(name.slice('userdb:'.length))
    return variables.get(name) ?? own.get(name)
  }
}

function ownerVariables(owner: string, home: string | undefined): VariableLookup {
  const known = new Map([
    ['user', owner],
    ['username', beforeAt(owner)],
    ['domain', afterAt(owner)],
    ['home', home ?? ''],
  ])
  return (name) => known.get(name)
}

function expandText(text: string, lookup: VariableLookup, what: string): string {
  if (!text.includes('%')) return text
  try {
    return compileTemplate(text, mailShortNames).expand(lookup)
  } catch (error) {
    if (!(error instanceof ExpandError)) throw error
    const colon = what.startsWith('plugin setting') ? `Failed to expand ${what}` : `Failed to expand settings: ${what}`
    throw new MailUserError(`${colon}: ${error.message}`, { cause: error })
  }
}
