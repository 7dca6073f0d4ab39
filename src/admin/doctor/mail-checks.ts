import type { Config, Filter } from '../../config/config.ts'
import { mailFormats } from '../../storage/formats/index.ts'
import { MailUserError } from '../../storage/user/mail-user-error.ts'
import { resolveMailUser } from '../../storage/user/mail-user.ts'
import { about } from './about.ts'
import type { Finding } from './finding.ts'

/** Protocols whose users may have their mail here. */
const SERVED = new Set(['imap', 'pop3', 'lmtp'])

/**
 * Locations in formats that are not there, and namespaces that contradict each other: what keeps users from their mail, though
 * the server starts. A userdb may still name other locations, and users who are proxied do not mind.
 */
export function checkMail(config: Config, filter: Filter): readonly Finding[] {
  const { protocol } = filter
  if (protocol === undefined || !SERVED.has(protocol)) return []
  const { mail_location: location } = config.settings(filter)
  const namespaces = config.namespaces(filter).filter(({ disabled }) => !disabled)
  const foreign = [
    ...foreignFormat(location).map((text) =>
      about(config, filter, 'mail_location', 'warning', `mail_location = ${text}`),
    ),
    ...namespaces.flatMap(({ prefix, location: own }) =>
      foreignFormat(own).map((text) => warning(`namespace with prefix '${prefix}': location = ${text}`)),
    ),
  ]
  // Without a location there may be nothing to serve.
  if (foreign.length > 0 || (location === '' && namespaces.every((namespace) => namespace.location === '')))
    return foreign
  const problem = problemOf(config, filter, protocol)
  return problem === undefined ? [] : [warning(`mail that is served here cannot be opened: ${problem}`)]
}

function warning(text: string): Finding {
  return { severity: 'warning', text }
}

function foreignFormat(location: string): readonly string[] {
  const format = /^([a-z0-9]+):/i.exec(location)?.[1]?.toLowerCase()
  const formats = mailFormats()
  if (format === undefined || format === 'auto' || formats.has(format)) return []
  return [`${location}: mail of this format cannot be opened here (${[...formats.keys()].join(', ')} can)`]
}

/** Why the mail of an ordinary user could not be opened, if so. */
function problemOf(config: Config, filter: Filter, service: string): string | undefined {
  try {
    resolveMailUser({
      config,
      filter,
      service,
      user: 'joe@example.org',
      fields: new Map([['home', '/home/joe']]),
      variables: new Map(),
      system: {
        formats: new Set(mailFormats().keys()),
        systemHome: (name) => `/home/${name}`,
        // What is there decides for each user.
        isDirectory: () => true,
      },
      lookupOwner: () => Promise.resolve(undefined),
    })
    return undefined
  } catch (error) {
    if (error instanceof MailUserError) return error.message
    throw error
  }
}
