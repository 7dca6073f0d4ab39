import { statSync } from 'node:fs'
import type { Config, Filter } from '../config/config.ts'
import { IMAPC } from '../storage/formats/imapc.ts'
import { mailFormats } from '../storage/formats/index.ts'
import { MailUserError } from '../storage/user/mail-user-error.ts'
import { type MailUser, resolveMailUser } from '../storage/user/mail-user.ts'
import type { Detail } from './explain-destination.ts'
import { systemHome } from './mail/system-homes.ts'

export interface ExplainedMail {
  readonly config: Config
  readonly filter: Filter
  readonly service: string
  readonly user: string
  /** What the userdb said. */
  readonly fields: ReadonlyMap<string, string>
}

/** Where the mail of a user who is served here is, and what limits and shares it; or why it cannot be opened. */
export function explainMail({ config, filter, service, user, fields }: ExplainedMail): readonly Detail[] {
  try {
    return detailsOf(
      resolveMailUser({
        config,
        filter,
        service,
        user,
        fields,
        variables: new Map(),
        system: {
          formats: new Set(mailFormats().keys()),
          systemHome,
          isDirectory: (path) => statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false,
        },
        lookupOwner: async () => await Promise.resolve(undefined),
      }),
    )
  } catch (error) {
    if (error instanceof MailUserError) return [['problem', `the mail cannot be opened: ${error.message}`]]
    throw error
  }
}

function detailsOf({ namespaces, plugins, plugin }: MailUser): readonly Detail[] {
  const details: Detail[] = namespaces.map((namespace) => [
    `namespace ${namespace.name || (namespace.inbox ? 'inbox' : namespace.prefix)}`,
    `${namespace.type}, prefix "${namespace.prefix}", separator ${namespace.separator}, ${locationText(namespace)}`,
  ])
  if (plugins.size > 0) details.push(['mail_plugins', [...plugins].join(' ')])
  for (const [name, value] of plugin) if (/^(quota|acl)/.test(name)) details.push([`plugin ${name}`, value])
  return details
}

function locationText({ location }: MailUser['namespaces'][number]): string {
  if (typeof location === 'function') return 'in the mail of each owner'
  if (location.format === IMAPC) return 'on another IMAP server (imapc_host)'
  return `${location.format}:${location.path}${location.indexPath === undefined ? '' : `, index in ${location.indexPath}`}`
}
