import { compileTemplate, ExpandError, mailShortNames, type VariableLookup } from '../../../config/expand.ts'
import type { Settings } from '../../../config/config.ts'
import { afterAt, beforeAt } from '../../../util/user-name.ts'
import type { OwnerServer } from '../../../storage/formats/imapc.ts'

/** Where to log in, and as whom. */
export interface ImapcServer {
  readonly host: string
  readonly ip?: string
  readonly port: number
  readonly tls?: 'imaps' | 'starttls'
  /** The certificate must be good. */
  readonly verifies: boolean
  readonly user: string
  readonly master?: string
  /** Why nobody must even try: for the log. */
  readonly problem?: string
}

export interface ImapcQuestion {
  /** Whose session it is. */
  readonly user: string
  /** %variables of his. */
  readonly variables: VariableLookup
  /** Whose mail it is, in a shared namespace. */
  readonly owner: string | undefined
  /** Where the databases send him. */
  readonly server: OwnerServer | undefined
  readonly settings: Pick<
    Settings,
    'imapc_host' | 'imapc_port' | 'imapc_ssl' | 'imapc_ssl_verify' | 'imapc_user' | 'imapc_master_user'
  >
}

const PLAIN_PORT = 143
const TLS_PORT = 993

/**
 * Decides where a place is and as whom to go there. In `imapc_host` and `imapc_user` of a shared namespace variables are the
 * owner's, in `imapc_master_user` those of who asks; `%%u` and `%{owner_user}` are the owner in each.
 */
export function imapcServer(question: ImapcQuestion): ImapcServer {
  try {
    return decide(question)
  } catch (error) {
    if (!(error instanceof ExpandError)) throw error
    return { host: '', port: PLAIN_PORT, verifies: true, user: '', problem: `imapc settings: ${error.message}` }
  }
}

function decide({ user, variables, owner, server, settings }: ImapcQuestion): ImapcServer {
  const ofPlace = owner === undefined ? variables : namesOf(owner)
  const host = server?.host ?? expand(settings.imapc_host, ofPlace, owner)
  const tls = server?.tls ?? (settings.imapc_ssl === 'no' ? undefined : settings.imapc_ssl)
  const isUsualPort = server !== undefined && tls === 'imaps' && settings.imapc_port === PLAIN_PORT
  const master = expand(settings.imapc_master_user, variables, owner) || (server === undefined ? '' : user)
  const problem = problemOf(host, owner, master)
  return {
    host,
    ...(server?.hostip === undefined ? {} : { ip: server.hostip }),
    port: server?.port ?? (isUsualPort ? TLS_PORT : settings.imapc_port),
    ...(tls === undefined ? {} : { tls }),
    verifies: server?.tls === undefined ? settings.imapc_ssl_verify : server.anyCert !== true,
    user: server?.destuser ?? (expand(settings.imapc_user, ofPlace, owner) || (owner ?? user)),
    ...(master === '' ? {} : { master }),
    ...(problem === undefined ? {} : { problem }),
  }
}

function problemOf(host: string, owner: string | undefined, master: string): string | undefined {
  if (host === '') return 'imapc_host is not set'
  // Nobody would check what this user may do with that mail.
  if (owner === undefined || (master !== '' && master !== owner)) return undefined
  return master === ''
    ? 'imapc_master_user is not set: shared mailboxes would be opened with all rights of their owner'
    : 'imapc_master_user is the owner: shared mailboxes would be opened with all rights'
}

function expand(text: string, variables: VariableLookup, owner: string | undefined): string {
  if (!text.includes('%')) return text
  const ofOwner = namesOf(owner ?? '')
  const first = compileTemplate(text, mailShortNames).expand((name) =>
    name.startsWith('owner_') ? ofOwner(name.slice('owner_'.length)) : variables(name),
  )
  return compileTemplate(first, mailShortNames).expand(ofOwner)
}

function namesOf(user: string): VariableLookup {
  const names = new Map([
    ['user', user],
    ['username', beforeAt(user)],
    ['domain', afterAt(user)],
  ])
  return (name) => names.get(name)
}
