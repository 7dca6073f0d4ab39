// Keys of acl_shared_dict: who shares something with whom. The value is always `1`.
import type { Identifier } from '../identifier.ts'
import { assertNever } from '../../util/assert-never.ts'
import type { AclIdentity } from '../namespace.ts'
import type { SharedMailbox } from './acl-list.ts'

export const SHARED_BOXES = 'shared/shared-boxes/'

/** Keys for what `from` shares. Sharing with oneself is none, and what is taken away does not matter. */
export function sharedKeys(from: string, shared: readonly SharedMailbox[]): ReadonlySet<string> {
  const keys = new Set<string>()
  for (const { object } of shared) {
    for (const { identifier, rights } of object.entries) {
      const to = rights?.has('lookup') === true ? keyOf(identifier, from) : undefined
      if (to !== undefined) keys.add(`${SHARED_BOXES}${to}/${from}`)
    }
  }
  return keys
}

/** Below these prefixes stand the users who share something with this one. */
export function readerPrefixes({ loginUser, groups }: AclIdentity): readonly string[] {
  const own = [`${SHARED_BOXES}anyone/`, `${SHARED_BOXES}user/${loginUser}/`]
  return [...own, ...Array.from(groups, (group) => `${SHARED_BOXES}group/${group}/`)]
}

/** Whether a key says that this user shares something. */
export function isFrom(key: string, user: string): boolean {
  return key.startsWith(SHARED_BOXES) && key.endsWith(`/${user}`)
}

/** The user to whom a key says that `from` shares with him; `undefined`: it is about a group, everybody, or another's mail. */
export function receiverOf(key: string, from: string): string | undefined {
  const start = `${SHARED_BOXES}user/`
  const end = `/${from}`
  return key.startsWith(start) && key.endsWith(end) ? key.slice(start.length, -end.length) : undefined
}

function keyOf(identifier: Identifier, from: string): string | undefined {
  switch (identifier.kind) {
    case 'owner':
      return undefined
    case 'anyone':
    case 'authenticated':
      return 'anyone'
    case 'user':
      return identifier.name === from || !isPlain(identifier.name) ? undefined : `user/${identifier.name}`
    case 'group':
    case 'group-override':
      return isPlain(identifier.name) ? `group/${identifier.name}` : undefined
    default:
      return assertNever(identifier)
  }
}

/** A line feed would be a line of its own in a file. */
function isPlain(name: string): boolean {
  return name !== '' && !/[\n\r\0]/.test(name)
}
