import type { Settings } from '../../../config/config.ts'
import { StoreRefusal } from '../../../storage/refusal.ts'
import { formatReply } from '../../smtp/wire/reply.ts'
import type { LocalAccount } from '../services.ts'

/** Whether who is over quota may get the mail later: `quota_full_tempfail`, of the user where the userdb says so. */
export function isFullTemporary(settings: Settings, { fields }: LocalAccount): boolean {
  const own = fields.get('quota_full_tempfail')
  return own === undefined ? settings.quota_full_tempfail : /^y/i.test(own)
}

/** What the client is told when a message could not be saved for a recipient: complete reply lines. */
export function savingFailure(path: string, error: unknown, isTemporary: boolean): string {
  if (!(error instanceof StoreRefusal)) return formatReply(451, '4.2.0', [`${path} Temporary internal error`])
  const text = `${path} ${error.message}`
  if (error.code !== 'over-quota') return formatReply(451, '4.2.0', [text])
  return isTemporary ? formatReply(452, '4.2.2', [text]) : formatReply(552, '5.2.2', [text])
}
