import type { Settings } from '../../config/config.ts'

/** The system user whose rights a user's mail is read and written with. */
export interface MailOwner {
  readonly uid: number
  readonly gid: number
}

/** Names the process that opens the mail of these users of an owner. */
export function ownerKey({ uid, gid }: MailOwner, share: number): string {
  return `${uid}-${gid}-${share}`
}

/** Numbers of system users and groups by name; `undefined` for names that are not there. */
export interface SystemIds {
  user(name: string): Promise<{ readonly uid: number; readonly gid: number } | undefined>
  group(name: string): Promise<number | undefined>
}

/** The owner cannot be told, or must not own mail. The message is for the log, in Dovecot's words. */
export class NoMailOwner extends Error {
  override readonly name = 'NoMailOwner'
}

type OwnerSettings = Pick<
  Settings,
  'mail_uid' | 'mail_gid' | 'first_valid_uid' | 'last_valid_uid' | 'first_valid_gid' | 'last_valid_gid'
>

/**
 * Who owns the mail: `uid` and `gid` of the userdb, else `mail_uid` and `mail_gid`, by number or name; without either, whoever
 * this process is, unless that is root. Rejects with NoMailOwner.
 */
export async function decideMailOwner(
  fields: ReadonlyMap<string, string>,
  settings: OwnerSettings,
  system: SystemIds,
  self: MailOwner,
): Promise<MailOwner> {
  const owner = await findOwner(
    fields.get('uid') || settings.mail_uid,
    fields.get('gid') || settings.mail_gid,
    system,
    self,
  )
  const { first_valid_uid: firstUid, last_valid_uid: lastUid } = settings
  const { first_valid_gid: firstGid, last_valid_gid: lastGid } = settings
  // Whoever the server itself runs as without root's rights is what its administrator chose.
  if (self.uid !== 0 && owner.uid === self.uid) return owner
  if (!isWithin(owner.uid, firstUid, lastUid))
    throw new NoMailOwner(notPermitted('UID', owner.uid, 'uid', firstUid, lastUid))
  if (!isWithin(owner.gid, firstGid, lastGid))
    throw new NoMailOwner(notPermitted('GID', owner.gid, 'gid', firstGid, lastGid))
  return owner
}

async function findOwner(uidText: string, gidText: string, system: SystemIds, self: MailOwner): Promise<MailOwner> {
  if (uidText === '') {
    if (self.uid === 0) throw new NoMailOwner('User is missing UID (see mail_uid setting)')
    return self
  }
  const account = /^\d+$/.test(uidText) ? undefined : await system.user(uidText)
  const uid = account?.uid ?? Number(uidText)
  if (Number.isNaN(uid)) throw new NoMailOwner(`User has invalid UID: ${uidText} (user does not exist)`)
  if (gidText === '') {
    const gid = account?.gid ?? (uid === self.uid ? self.gid : undefined)
    if (gid === undefined) throw new NoMailOwner('User is missing GID (see mail_gid setting)')
    return { uid, gid }
  }
  const gid = /^\d+$/.test(gidText) ? Number(gidText) : await system.group(gidText)
  if (gid === undefined) throw new NoMailOwner(`User has invalid GID: ${gidText} (group does not exist)`)
  return { uid, gid }
}

function isWithin(id: number, first: number, last: number): boolean {
  return id >= first && (last === 0 || id <= last)
}

function notPermitted(what: string, id: number, name: string, first: number, last: number): string {
  return `Mail access for users with ${what} ${id} not permitted (see first_valid_${name} in config file, ${first}${last === 0 ? '' : ` to ${last}`}).`
}
