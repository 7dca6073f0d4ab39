import type { MailboxSettings, NamespaceSettings } from '../../config/config.ts'
import type { MailLocation } from '../formats/format.ts'
import { IMAPC, type OwnerServer, ownerLocation } from '../formats/imapc.ts'
import { layoutSeparator, type MailboxSpec, type NamespaceSpec } from '../namespace.ts'
import { type LocationPlace, MailLocationError, parseMailLocation } from './mail-location.ts'
import { MailUserError } from './mail-user-error.ts'
import { checkNamespaces } from './namespace-checks.ts'
import { rememberOwners } from './remembered-owners.ts'

export interface NamespaceSources {
  readonly user: string
  readonly namespaces: readonly NamespaceSettings[]
  /** Variables filled in. */
  readonly mailLocation: string
  /** `mail_shared_explicit_inbox`. */
  readonly sharedExplicitInbox: boolean
  readonly place: LocationPlace
  /** Fills in the user's variables. */
  expand(text: string, what: string): string
  /** Fills in those of the owner of a shared mailbox. */
  expandFor(text: string, owner: string, home: string | undefined): string
  /** With `route`, also which other server has his mail. */
  lookupOwner(owner: string, route: boolean): Promise<OwnerFacts | undefined>
  readonly remote: RemoteOwners
}

/** What is known of the owner of a shared mailbox. */
export interface OwnerFacts {
  readonly home: string | undefined
  /** Another server has his mail. */
  readonly server?: OwnerServer
}

/** `imapc_host` and `postern_remote_owners`. */
export interface RemoteOwners {
  /** One server for all of them. */
  readonly hasHost: boolean
  /** Owners whom the databases send elsewhere are asked there, whatever the location. */
  readonly isRouted: boolean
}

/** The namespaces of a user, in configuration order; without any, one with INBOX. Throws MailUserError in Dovecot's words. */
export function effectiveNamespaces(sources: NamespaceSources): readonly NamespaceSpec[] {
  const enabled = sources.namespaces.filter(({ disabled }) => !disabled)
  if (enabled.length === 0) return [openDefault(sources)]
  const specs = enabled.flatMap((namespace) => openUnlessIgnored(namespace, sources))
  checkNamespaces(specs)
  return specs
}

function openUnlessIgnored(namespace: NamespaceSettings, sources: NamespaceSources): readonly NamespaceSpec[] {
  try {
    return [openNamespace(namespace, sources)]
  } catch (error) {
    if (!(error instanceof MailLocationError)) throw error
    if (namespace.ignore_on_failure) return []
    const prefix = sources.expand(namespace.prefix, 'prefix')
    // Without a location of its own it is mail_location that is wrong.
    const text = namespace.location !== '' ? `Namespace '${prefix}': ${error.message}` : whyMailLocation(error)
    throw new MailUserError(text, { cause: error })
  }
}

function whyMailLocation({ message }: MailLocationError): string {
  return message.startsWith('mail_location not set')
    ? message
    : `Initializing mail storage from mail_location setting failed: ${message}`
}

function openDefault(sources: NamespaceSources): NamespaceSpec {
  try {
    const location = parseMailLocation(sources.mailLocation, sources.place)
    return {
      name: 'inbox',
      type: 'private',
      prefix: '',
      separator: layoutSeparator(location),
      inbox: true,
      hidden: false,
      list: 'yes',
      subscriptions: true,
      location,
      aliasFor: undefined,
      order: 0,
      mailboxes: [],
    }
  } catch (error) {
    if (!(error instanceof MailLocationError)) throw error
    throw new MailUserError(whyMailLocation(error), { cause: error })
  }
}

function openNamespace(namespace: NamespaceSettings, sources: NamespaceSources): NamespaceSpec {
  const whole = sources.expand(namespace.prefix, 'prefix')
  const text = namespace.location === '' ? sources.mailLocation : sources.expand(namespace.location, 'location')
  const shared = namespace.type === 'shared'
  if (shared && !whole.includes('%')) {
    throw new MailUserError(`Namespace '${whole}': shared: Shared namespace prefix doesn't contain %`)
  }
  const location = shared ? sharedLocation(whole, text, sources) : parseMailLocation(text, sources.place)
  const separator = namespace.separator || (typeof location === 'function' ? '/' : layoutSeparator(location))
  const { name, type, inbox, hidden, list, subscriptions, order } = namespace
  return {
    name,
    type,
    prefix: shared ? whole.slice(0, whole.indexOf('%')) : whole,
    ...(shared && { ownerPattern: whole.slice(whole.indexOf('%')), explicitInbox: sources.sharedExplicitInbox }),
    separator,
    inbox,
    hidden,
    list,
    subscriptions,
    order,
    location,
    aliasFor: namespace.alias_for === undefined ? undefined : sources.expand(namespace.alias_for, 'alias_for'),
    mailboxes: namespace.mailboxes.map(mailboxSpec),
  }
}

function mailboxSpec(box: MailboxSettings): MailboxSpec {
  return {
    name: box.name,
    auto: box.auto,
    specialUse: box.special_use,
    autoexpungeMs: box.autoexpunge,
    autoexpungeMaxMails: box.autoexpunge_max_mails,
  }
}

/** Where an owner's mail is. It is shared with the world: what it cannot say of one owner hides that owner only. */
function sharedLocation(
  prefix: string,
  text: string,
  sources: NamespaceSources,
): Exclude<NamespaceSpec['location'], MailLocation> {
  const { hasHost, isRouted } = sources.remote
  const isImapc = text.toLowerCase().startsWith(`${IMAPC}:`)
  return rememberOwners(async (owner) => {
    // That server knows who its users are.
    if (isImapc && hasHost) return parseMailLocation(sources.expandFor(text, owner, undefined), sources.place)
    const found = await sources.lookupOwner(owner, isImapc || isRouted)
    if (found?.server !== undefined) return ownerLocation(found.server)
    // Without a server there is nobody to ask.
    if (found === undefined || isImapc) return undefined
    const needsHome = /%h|%\{home/.test(text)
    if (needsHome && found.home === undefined) return undefined
    try {
      // `~/` is the home of the user who looks: indexes of shared mail may lie there.
      return parseMailLocation(sources.expandFor(text, owner, found.home), sources.place)
    } catch (error) {
      if (!(error instanceof MailLocationError)) throw error
      throw new MailUserError(`Namespace '${prefix}': ${error.message}`, { cause: error })
    }
  })
}
