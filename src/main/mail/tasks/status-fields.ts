import { MailTaskError } from '../../../admin/commands/mail/mail-admin.ts'

/** In the order in which they are shown. */
const FIELDS = [
  'messages',
  'recent',
  'uidnext',
  'uidvalidity',
  'unseen',
  'highestmodseq',
  'vsize',
  'guid',
  'firstsaved',
] as const

export type StatusField = (typeof FIELDS)[number]

/** What has a sum. */
const SUMMED: ReadonlySet<StatusField> = new Set(['messages', 'recent', 'unseen', 'vsize'])

/** The fields of `mailbox status`, in Dovecot's order. Throws MailTaskError. */
export function statusFields(text: string, total: boolean): readonly StatusField[] {
  const names = text.split(/\s+/).filter((name) => name !== '')
  for (const name of names) {
    if (name === 'all') continue
    if (!FIELDS.some((field) => field === name)) throw new MailTaskError(`Unknown status field: ${name}`, 64)
    if (total && !SUMMED.has(name as StatusField))
      throw new MailTaskError(`Status field ${name} can't be used with -t`, 64)
  }
  const all = names.includes('all')
  return FIELDS.filter((field) => (all || names.includes(field)) && (!total || SUMMED.has(field)))
}
