import type { Settings } from '../../../config/config.ts'
import { compileTemplate, mailShortNames, type VariableLookup } from '../../../config/expand.ts'
import type { ByteStream } from '../../../net/byte-stream.ts'
import type { ClientIdentity } from '../../../protocols/protocol.ts'
import { type RemotePlace, RemoteUnavailable } from '../../../protocols/remote-mail.ts'
import type { Place } from '../../../storage/namespace.ts'
import type { StoreNamespace } from '../../../storage/store.ts'
import { dialImapc, ImapcFailed, type ImapcDialing, type ImapcServer } from './dial-imapc.ts'

/** Whose session it is, and with which settings he asks other servers. */
export interface ImapcUser {
  readonly user: string
  readonly identity: ClientIdentity
  readonly hostname: string
  /** With the overrides of the userdb; `imapc_*` still have their variables. */
  readonly settings: Settings
  /** %variables of his. */
  readonly variables: VariableLookup
  readonly dialing: ImapcDialing
  readonly log: (level: 'debug' | 'info' | 'warning' | 'error', text: string) => void
}

/** One place on another server: where it is, and as whom to log in. */
export class ImapcPlace implements RemotePlace {
  readonly namespace: StoreNamespace
  readonly prefix: string
  readonly owner: string | undefined
  readonly inboxName: string
  readonly listPrefix: string
  readonly server: string
  readonly answerMs: number
  readonly #user: ImapcUser
  readonly #where: ImapcServer

  constructor(place: Place, user: ImapcUser) {
    const { spec, prefix, owner, location } = place
    this.namespace = spec
    this.prefix = prefix
    this.owner = owner
    this.inboxName = place.toVirtual('INBOX')
    this.#user = user
    const { settings } = user
    const expand = (text: string): string =>
      expandText(text, owner === undefined ? user.variables : namesOf(owner), owner)
    const { server } = location
    const host = server?.host ?? expand(settings.imapc_host)
    const tls = server?.tls ?? (settings.imapc_ssl === 'no' ? undefined : settings.imapc_ssl)
    const port =
      server?.port ?? (server?.tls === 'imaps' && settings.imapc_port === PLAIN_PORT ? TLS_PORT : settings.imapc_port)
    this.#where = {
      host,
      ...(server?.hostip === undefined ? {} : { ip: server.hostip }),
      port,
      ...(tls === undefined ? {} : { tls }),
      verifies: server?.tls === undefined ? settings.imapc_ssl_verify : server.anyCert !== true,
      user: server?.destuser ?? (expand(settings.imapc_user) || (owner ?? user.user)),
      ...masterOf(
        expandText(settings.imapc_master_user, user.variables, owner) || (server === undefined ? '' : user.user),
      ),
    }
    this.listPrefix = settings.imapc_list_prefix
    this.server = `${host}:${port}`
    this.answerMs = settings.imapc_cmd_timeout
  }

  async connect(signal: AbortSignal): Promise<ByteStream> {
    const { log } = this.#user
    try {
      const problem = this.#problem()
      if (problem !== undefined) throw new ImapcFailed(problem, { isRefusal: true })
      const stream = await dialImapc(this.#user, this.#where, signal)
      log(
        'info',
        `imapc(${this.server}): Logged in as ${this.#shownUser()} (local ${stream.local.ip}:${stream.local.port})`,
      )
      return stream
    } catch (error) {
      if (!(error instanceof ImapcFailed)) throw error
      log('error', `imapc(${this.server}): Login as ${this.#shownUser()} failed: ${error.message}`)
      throw new RemoteUnavailable(error.message, { isRefusal: error.isRefusal, cause: error })
    }
  }

  /** What must not even be tried. */
  #problem(): string | undefined {
    if (this.#where.host === '') return 'imapc_host is not set'
    // Nobody would check what this user may do with that mail.
    if (this.owner !== undefined && this.#where.master === undefined) {
      return 'imapc_master_user is not set: shared mailboxes would be opened with all rights of their owner'
    }
    return undefined
  }

  #shownUser(): string {
    const { user, master } = this.#where
    return master === undefined ? user : `${user}*${master}`
  }
}

const PLAIN_PORT = 143
const TLS_PORT = 993

function masterOf(master: string): { readonly master?: string } {
  return master === '' ? {} : { master }
}

/** `%%u` and `%{owner_user}` are the owner of the mailboxes in any setting. */
function expandText(text: string, variables: VariableLookup, owner: string | undefined): string {
  if (!text.includes('%')) return text
  const ofOwner = namesOf(owner ?? '')
  const first = compileTemplate(text, mailShortNames).expand((name) =>
    name.startsWith('owner_') ? ofOwner(name.slice('owner_'.length)) : variables(name),
  )
  return compileTemplate(first, mailShortNames).expand(ofOwner)
}

function namesOf(user: string): VariableLookup {
  const at = user.indexOf('@')
  const names = new Map([
    ['user', user],
    ['username', at < 0 ? user : user.slice(0, at)],
    ['domain', at < 0 ? '' : user.slice(at + 1)],
  ])
  return (name) => names.get(name)
}
