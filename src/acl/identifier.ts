// To whom an ACL entry applies. Keywords are case-sensitive, names compare byte by byte.
import { assertNever } from '../util/assert-never.ts'
import { compareBytes } from './byte-text.ts'

export type Identifier =
  | { readonly kind: 'anyone' | 'authenticated' | 'owner' }
  | { readonly kind: 'user' | 'group' | 'group-override'; readonly name: string }

/** A session as ACL entries see it, in one namespace. */
export interface Viewer {
  /** `acl_user`, else the master user, else the login user; `undefined`: an anonymous session. */
  readonly user: string | undefined
  /** `acl_groups` of the session. */
  readonly groups: ReadonlySet<string>
  /** The namespace is private and the mail in it is this user's own. */
  readonly isOwner: boolean
}

/** Classes from the weakest to the strongest: entries of a stronger class replace what the weaker ones gave. */
export const CLASS_ORDER = ['anyone', 'authenticated', 'group', 'owner', 'user', 'group-override'] as const

const RANK: ReadonlyMap<string, number> = new Map(CLASS_ORDER.map((kind, rank) => [kind, rank]))

/** Position in CLASS_ORDER. */
export function classRank({ kind }: Identifier): number {
  return RANK.get(kind) ?? 0
}

/** Files and doveadm: `owner`, `user=joe`, `group=staff`; `anonymous` is `anyone`. `undefined`: no identifier. */
export function parseIdentifier(text: string): Identifier | undefined {
  switch (text) {
    case 'anyone':
    case 'anonymous':
      return { kind: 'anyone' }
    case 'authenticated':
    case 'owner':
      return { kind: text }
    default: {
      const [, kind, name = ''] = /^(user|group|group-override)=(.*)$/s.exec(text) ?? []
      return kind === 'user' || kind === 'group' || kind === 'group-override' ? { kind, name } : undefined
    }
  }
}

export function identifierText(identifier: Identifier): string {
  return 'name' in identifier ? `${identifier.kind}=${identifier.name}` : identifier.kind
}

export function sameIdentifier(one: Identifier, other: Identifier): boolean {
  return compareIdentifiers(one, other) === 0
}

/** By class, then by name. */
export function compareIdentifiers(one: Identifier, other: Identifier): number {
  const byClass = classRank(one) - classRank(other)
  if (byClass !== 0) return byClass
  return compareBytes('name' in one ? one.name : '', 'name' in other ? other.name : '')
}

export function identifierMatches(identifier: Identifier, viewer: Viewer): boolean {
  switch (identifier.kind) {
    case 'anyone':
      return true
    case 'authenticated':
      return viewer.user !== undefined
    case 'owner':
      return viewer.isOwner
    case 'user':
      return identifier.name === viewer.user
    case 'group':
    case 'group-override':
      return viewer.groups.has(identifier.name)
    default:
      return assertNever(identifier)
  }
}
