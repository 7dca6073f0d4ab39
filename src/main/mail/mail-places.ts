import type { Settings } from '../../config/config.ts'
import { decideMailOwner, type MailOwner, NoMailOwner, ownerKey, type SystemIds } from './mail-owner.ts'

/** Which process opens a user's mail. */
export type MailPlace =
  | { readonly kind: 'here' }
  | {
      readonly kind: 'there'
      /** The same for the same process. */
      readonly key: string
      /** Where it answers. Rejects when it cannot be started. */
      readonly socket: () => Promise<string>
    }

export interface MailPlacesNeeds {
  readonly system: SystemIds
  readonly self: MailOwner
  /** How many processes share the users of one owner, where all mail has one owner. */
  readonly shares: number
  /** Asks the supervisor for the socket of a mail worker. */
  readonly workerSocket: (owner: MailOwner, share: number) => Promise<string>
}

/**
 * Mail of an owner who is not us is opened by a process that is: only root can start one. All sessions of a user come to the same
 * process, so that they share what it knows of a mailbox.
 */
export function createMailPlaces({ system, self, shares, workerSocket }: MailPlacesNeeds) {
  return async (user: string, fields: ReadonlyMap<string, string>, settings: Settings): Promise<MailPlace> => {
    const owner = await decideMailOwner(fields, settings, system, self)
    if (owner.uid === self.uid) return { kind: 'here' }
    if (self.uid !== 0)
      throw new NoMailOwner(`Mail of uid ${owner.uid} cannot be opened by uid ${self.uid}: start as root`)
    const isShared = (fields.get('uid') ?? settings.mail_uid) === settings.mail_uid
    const share = isShared ? shareOf(user, shares) : 0
    return { kind: 'there', key: ownerKey(owner, share), socket: () => workerSocket(owner, share) }
  }
}

/** FNV-1a: every worker comes to the same, at a hundredth of what a digest costs. */
function shareOf(user: string, shares: number): number {
  if (shares === 1) return 0
  let hash = 0x811c9dc5
  for (let at = 0; at < user.length; at++) hash = Math.imul(hash ^ user.charCodeAt(at), 0x01000193)
  return (hash >>> 0) % shares
}
