import type { Settings } from '../../../config/config.ts'
import type { VariableLookup } from '../../../config/expand.ts'
import type { ByteStream } from '../../../net/byte-stream.ts'
import type { ClientIdentity } from '../../../protocols/protocol.ts'
import { type RemotePlace, RemoteUnavailable } from '../../../protocols/remote-mail.ts'
import type { Place } from '../../../storage/namespace.ts'
import type { StoreNamespace } from '../../../storage/store.ts'
import { dialImapc, ImapcFailed, type ImapcDialing } from './dial-imapc.ts'
import { imapcServer, type ImapcServer } from './imapc-server.ts'

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
    this.#where = imapcServer({ ...user, owner, server: location.server })
    this.listPrefix = settings.imapc_list_prefix
    this.server = `${this.#where.host}:${this.#where.port}`
    this.answerMs = settings.imapc_cmd_timeout
  }

  async connect(signal: AbortSignal): Promise<ByteStream> {
    const { log } = this.#user
    try {
      const { problem } = this.#where
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

  #shownUser(): string {
    const { user, master } = this.#where
    return master === undefined ? user : `${user}*${master}`
  }
}
