/** What `mail_log_events` may name. */
export const MAIL_LOG_EVENTS = [
  'delete',
  'undelete',
  'expunge',
  'save',
  'copy',
  'mailbox_create',
  'mailbox_delete',
  'mailbox_rename',
  'flag_change',
] as const

export type MailLogEvent = (typeof MAIL_LOG_EVENTS)[number]

/** What `mail_log_fields` may name. */
export const MAIL_LOG_FIELDS = ['uid', 'box', 'msgid', 'size', 'vsize', 'flags', 'from', 'subject'] as const

export type MailLogField = (typeof MAIL_LOG_FIELDS)[number]

/** What the log is told of changes to mail: the plugin settings of Dovecot's `mail_log`. */
export interface MailLogSettings {
  readonly events: ReadonlySet<MailLogEvent>
  readonly fields: ReadonlySet<MailLogField>
  /** `mail_log_cached_only`: no message is read for the log. */
  readonly cachedOnly: boolean
}

const DEFAULT_EVENTS = MAIL_LOG_EVENTS.filter((event) => event !== 'mailbox_create' && event !== 'flag_change')
const DEFAULT_FIELDS: readonly MailLogField[] = ['uid', 'box', 'msgid', 'size']

/** Reads `mail_log_events`, `mail_log_fields` and `mail_log_cached_only` of `plugin {}`; complains of words that mean nothing. */
export function readMailLogSettings(
  plugin: ReadonlyMap<string, string>,
  complain: (text: string) => void,
): MailLogSettings {
  const words = <Word extends string>(name: string, known: readonly Word[], usual: readonly Word[]): Set<Word> => {
    const value = plugin.get(name)
    if (value === undefined) return new Set(usual)
    const chosen = new Set<Word>()
    for (const word of value.split(/[ ,]+/).filter((one) => one !== '')) {
      const found = known.find((one) => one === word.toLowerCase())
      if (found === undefined) complain(`Unknown field in ${name}: '${word}'`)
      else chosen.add(found)
    }
    return chosen
  }
  return {
    events: words('mail_log_events', MAIL_LOG_EVENTS, DEFAULT_EVENTS),
    fields: words('mail_log_fields', MAIL_LOG_FIELDS, DEFAULT_FIELDS),
    // In `plugin {}` what is there is meant, unless it says no.
    cachedOnly: !/^(|n.*|f.*|0)$/i.test(plugin.get('mail_log_cached_only') ?? ''),
  }
}
