import { hostname } from 'node:os'
import { MailTaskError } from '../admin/commands/mail/mail-admin.ts'
import { EXIT } from '../admin/commands/command.ts'
import type { Settings } from '../config/config.ts'
import { compileTemplate, ExpandError, mailShortNames } from '../config/expand.ts'
import { variablesOf } from '../storage/user/mail-user.ts'

/** A text with a user's %variables filled in. Throws MailTaskError. */
export function expandForUser(
  template: string,
  settings: Settings,
  user: string,
  fields: ReadonlyMap<string, string>,
): string {
  const variables = new Map([['hostname', settings.hostname || hostname()]])
  const lookup = variablesOf({ user, service: 'doveadm', variables, fields }, settings, fields.get('home'))
  try {
    return compileTemplate(template, mailShortNames).expand(lookup)
  } catch (error) {
    if (!(error instanceof ExpandError)) throw error
    throw new MailTaskError(`userdb lookup: Failed to expand field: ${error.message}`, EXIT.usage)
  }
}

/** Where a user's mail is: the userdb's `mail`, else `mail_location`, with variables but `~` as it is. */
export function mailLocationOf(settings: Settings, user: string, fields: ReadonlyMap<string, string>): string {
  const given = fields.get('mail')
  return given === undefined || given === '' ? expandForUser(settings.mail_location, settings, user, fields) : given
}
