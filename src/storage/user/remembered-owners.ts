import { LRUCache } from 'lru-cache'

/** How long what the databases say of an owner holds for a session that goes on looking at his mail. */
export const OWNER_MS = 30_000
/** Owners that one session remembers. */
const MAX_OWNERS = 10_000

/**
 * Asks about each owner once in a while: LIST names every mailbox of all of them. Answers that did not come are not remembered.
 */
export function rememberOwners<Answer>(
  ask: (owner: string) => Promise<Answer>,
  ttlMs = OWNER_MS,
): (owner: string) => Promise<Answer> {
  const known = new LRUCache<string, Promise<Answer>>({ max: MAX_OWNERS, ttl: ttlMs })
  return (owner) => {
    const remembered = known.get(owner)
    if (remembered !== undefined) return remembered
    const asking = ask(owner)
    known.set(owner, asking)
    asking.catch(() => {
      if (known.peek(owner) === asking) known.delete(owner)
    })
    return asking
  }
}
