// Names of mailboxes on another server, and what they are called here. All names are Unicode.
import type { RemotePlace } from '../../../remote-mail.ts'

/** How the other server builds names. */
export interface RemoteNaming {
  /** Empty: there are no levels. */
  readonly separator: string
  /** Prefixes of its namespaces of others' and of public mail: what lies there is not the owner's to share. */
  readonly foreignPrefixes: readonly string[]
}

type NamedPlace = Pick<RemotePlace, 'prefix' | 'inboxName' | 'listPrefix' | 'owner'> & {
  readonly namespace: { readonly separator: string }
}

/** What the other server calls a mailbox; `undefined` when it can have none of this name. */
export function toRemote(place: NamedPlace, naming: RemoteNaming, name: string): string | undefined {
  if (name === place.inboxName || (place.owner !== undefined && name === `${place.prefix}INBOX`)) return 'INBOX'
  if (!name.startsWith(place.prefix)) return undefined
  const levels = name.slice(place.prefix.length).split(place.namespace.separator)
  if (levels.includes('') || levels.some((level) => crosses(level, naming.separator))) return undefined
  if (naming.separator === '' && levels.length > 1) return undefined
  const own = levels.join(naming.separator)
  const remote = place.listPrefix === '' ? own : listPrefix(place, naming) + own
  return isForeign(naming, remote) || remote.toUpperCase() === 'INBOX' ? undefined : remote
}

/** What one of the other server's mailboxes is called here; `undefined` when it is not shown. */
export function toVirtual(place: NamedPlace, naming: RemoteNaming, remote: string): string | undefined {
  if (remote.toUpperCase() === 'INBOX') return place.inboxName
  if (isForeign(naming, remote)) return undefined
  const prefix = listPrefix(place, naming)
  if (!remote.startsWith(prefix)) return undefined
  const rest = remote.slice(prefix.length)
  const levels = naming.separator === '' ? [rest] : rest.split(naming.separator)
  const { separator } = place.namespace
  if (levels.some((level) => level === '' || crosses(level, separator))) return undefined
  return place.prefix + levels.join(separator)
}

/** Holds what separates levels at the other side only. */
function crosses(level: string, separator: string): boolean {
  return separator !== '' && level.includes(separator)
}

function listPrefix({ listPrefix: prefix }: NamedPlace, { separator }: RemoteNaming): string {
  return prefix === '' || separator === '' || prefix.endsWith(separator) ? prefix : prefix + separator
}

function isForeign({ foreignPrefixes, separator }: RemoteNaming, name: string): boolean {
  return foreignPrefixes.some((prefix) => name.startsWith(prefix) || name + separator === prefix)
}
