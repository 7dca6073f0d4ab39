import type { Config, Filter } from '../../config/config.ts'
import type { Finding } from './finding.ts'

/** Whether mailboxes on other servers (`imapc`) can be reached, and with which care. */
export function checkImapc(config: Config, filter: Filter): readonly Finding[] {
  const settings = config.settings(filter)
  const namespaces = config.namespaces(filter).filter(({ disabled }) => !disabled)
  const locationOf = ({ location }: { readonly location: string }): string => location || settings.mail_location
  const elsewhere = namespaces.filter((namespace) => /^imapc:/i.test(locationOf(namespace)))
  const isRouted = settings.postern_remote_owners && namespaces.some(({ type }) => type === 'shared')
  if (elsewhere.length === 0 && !isRouted) return []
  const texts: string[] = []
  if (settings.imapc_password.isEmpty) texts.push('imapc_password is empty: other servers let nobody in')
  const isForOwners = isRouted || elsewhere.some(({ type }) => type === 'shared')
  if (isForOwners && settings.imapc_host !== '' && settings.imapc_master_user === '') {
    texts.push(
      'imapc_master_user is empty: unless the userdb sets it, shared mailboxes on other servers are refused, as nobody would check rights there',
    )
  }
  if (settings.imapc_ssl === 'no' && !isLoopback(settings.imapc_host)) {
    texts.push(
      'imapc_ssl = no: imapc_password, which may open the mail of all users, goes to other servers in clear text',
    )
  }
  for (const { inbox, prefix } of elsewhere) {
    if (inbox)
      texts.push(`namespace with prefix '${prefix}': POP3, deliveries and doveadm do not reach imapc locations`)
  }
  for (const namespace of elsewhere) {
    if (!/:INDEXPVT=/.test(locationOf(namespace))) continue
    texts.push(
      `namespace with prefix '${namespace.prefix}': INDEXPVT has no effect on imapc locations: \\Seen is kept by the other server`,
    )
  }
  return texts.map((text) => ({ severity: 'warning', text }))
}

function isLoopback(host: string): boolean {
  return /^(?:localhost|127\.\d+\.\d+\.\d+|::1)$/i.test(host)
}
