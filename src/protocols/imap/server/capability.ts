import type { SessionFeatures } from '../../mail-session.ts'

/** What is announced after login, without `CAPABILITY`. `imap_capability` replaces the built-in list, or adds to it with `+`. */
export function capabilityOf({ settings, plugins }: SessionFeatures): string {
  const own = settings.imap_capability.trim().replace(/\s+/g, ' ')
  if (own !== '' && !own.startsWith('+')) return own
  const parts = [BUILT_IN, settings.imap_literal_minus ? 'LITERAL-' : 'LITERAL+', 'SPECIAL-USE CREATE-SPECIAL-USE']
  if (plugins.has('imap_zlib')) parts.push('COMPRESS=DEFLATE')
  if (plugins.has('imap_quota')) parts.push('QUOTA')
  if (plugins.has('imap_acl')) parts.push('ACL RIGHTS=texk LIST-MYRIGHTS')
  if (own !== '') parts.push(own.slice(1).trim())
  return parts.join(' ')
}

const BUILT_IN =
  'IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE MULTIAPPEND UNSELECT CHILDREN NAMESPACE UIDPLUS LIST-EXTENDED CONDSTORE QRESYNC ESEARCH LIST-STATUS MOVE STATUS=SIZE'
