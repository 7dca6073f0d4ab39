import type { Settings } from '../../../config/config.ts'
import { StoreRefusal } from '../../../storage/refusal.ts'
import { formatReply } from '../../smtp/wire/reply.ts'

/** What the client is told when a message could not be saved for a recipient: complete reply lines. */
export function savingFailure(path: string, error: unknown, settings: Settings): string {
  if (!(error instanceof StoreRefusal)) return formatReply(451, '4.2.0', [`${path} Temporary internal error`])
  const text = `${path} ${error.message}`
  if (error.code !== 'over-quota') return formatReply(451, '4.2.0', [text])
  return settings.quota_full_tempfail ? formatReply(452, '4.2.2', [text]) : formatReply(552, '5.2.2', [text])
}
