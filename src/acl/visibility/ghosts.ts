// Users who are no more: nobody shares with them, and they with nobody. RFC 4314 knows nothing of users; the userdb does.
import type { AclIdentity } from '../namespace.ts'
import type { SharedDict } from './shared-dict.ts'
import { readerPrefixes, receiverOf } from './shared-keys.ts'

/** Whether there is a user of this name; also when nobody can tell. */
export type IsUser = (user: string) => Promise<boolean>

/**
 * Keys without those for users who are no more. When there is no `owner` either, the userdb is not to be believed, and all keys
 * stay.
 */
export async function livingKeys(
  keys: ReadonlySet<string>,
  owner: string,
  isUser: IsUser | undefined,
): Promise<ReadonlySet<string>> {
  if (isUser === undefined || keys.size === 0 || !(await isUser(owner))) return keys
  const living = new Set<string>()
  for (const key of keys) {
    const to = receiverOf(key, owner)
    if (to === undefined || (await isUser(to))) living.add(key)
  }
  return living
}

/** Those who share something with a user, but are no more. Nobody, when that user is not known either. */
export async function ghostsSharingWith(
  identity: AclIdentity,
  dict: SharedDict,
  isUser: IsUser | undefined,
): Promise<readonly string[]> {
  if (isUser === undefined) return []
  const found = new Set<string>()
  for (const prefix of readerPrefixes(identity))
    for (const key of await dict.keys(prefix)) found.add(key.slice(prefix.length))
  // All at once: they are asked about in one go then.
  const users = await Promise.all(Array.from(found, async (user) => ({ user, isThere: await isUser(user) })))
  const ghosts = users.flatMap(({ user, isThere }) => (isThere ? [] : [user]))
  return ghosts.length > 0 && (await isUser(identity.loginUser)) ? ghosts.toSorted() : []
}
