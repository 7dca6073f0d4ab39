import { LRUCache } from 'lru-cache'
import type { MailUserInput } from '../../storage/user/mail-user.ts'

type LookupOwner = MailUserInput['lookupOwner']

const MEMORY = {
  /** One command asks several times. */
  ttl: 2_000,
  max: 10_000,
} as const

/** The same answers for a moment: each look at shared mail asks about every owner. What failed is asked again. */
export function rememberOwners(lookup: LookupOwner): LookupOwner {
  const known = new LRUCache<string, ReturnType<LookupOwner>>(MEMORY)
  return async (owner, route) => {
    const key = `${route ? 'r' : ''}\0${owner}`
    const asked = known.get(key) ?? lookup(owner, route)
    known.set(key, asked, { noUpdateTTL: true })
    try {
      return await asked
    } catch (error) {
      known.delete(key)
      throw error
    }
  }
}
