import type { Settings } from '../../config/config.ts'
import { compileTemplate, ExpandError, mailShortNames } from '../../config/expand.ts'
import { settingRows } from '../../config/settings/index.ts'
import { type MailUserInput, variablesOf } from '../../storage/user/mail-user.ts'

export interface PrefixNeeds extends Pick<MailUserInput, 'user' | 'service' | 'variables' | 'fields'> {
  readonly session: string
}

/**
 * How lines about a user's mail begin, as Dovecot's mail processes write them: `imap(joe)<4711><session>`, or what
 * `mail_log_prefix` says. Without the colon, which all lines have.
 */
export function logPrefix(needs: PrefixNeeds, settings: Settings): string {
  const { service, user, session } = needs
  const usual = `${service}(${user})<${process.pid}>${session === '' ? '' : `<${session}>`}`
  const template = settings.mail_log_prefix
  // Who runs doveadm looks for these words.
  if (template === settingRows.mail_log_prefix.default || service === 'doveadm') return usual
  try {
    const home = needs.fields.get('home')
    return compileTemplate(template, mailShortNames)
      .expand(variablesOf(needs, settings, home))
      .replace(/:? *$/, '')
  } catch (error) {
    if (!(error instanceof ExpandError)) throw error
    return usual
  }
}
