import type { MailUserInput } from '../../storage/user/mail-user.ts'
import { rememberOwners as remember } from '../../storage/user/remembered-owners.ts'

type LookupOwner = MailUserInput['lookupOwner']

/** One command asks several times. */
const MEMORY_MS = 2_000

/** The same answers for a moment: each look at shared mail asks about every owner. What failed is asked again. */
export function rememberOwners(lookup: LookupOwner): LookupOwner {
  const plain = remember((owner: string) => lookup(owner, false), MEMORY_MS)
  const routed = remember((owner: string) => lookup(owner, true), MEMORY_MS)
  return async (owner, route) => await (route ? routed(owner) : plain(owner))
}
