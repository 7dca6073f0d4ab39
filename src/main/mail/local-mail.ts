import type { AuthService } from '../../auth/auth.ts'
import type { Settings } from '../../config/config.ts'
import type { LocalLogin, LocalMail, LocalOpening, OpenMail } from '../../login/environment.ts'
import type { ByteStream } from '../../net/byte-stream.ts'
import type { Observer } from '../../observe/events.ts'
import { handlePipes } from '../../net/handle-pipe.ts'
import { StoreRefusal } from '../../storage/refusal.ts'
import type { MailHost, OpenSession } from './mail-host.ts'
import { plainIdentity, type SessionOrder } from './mail-order.ts'
import type { MailPlace } from './mail-places.ts'
import { NoMailOwner } from './mail-owner.ts'
import { PostLoginDenied, type PostLoginOutcome } from './post-login.ts'
import { handedMail, relayedMail } from './remote-open-mail.ts'
import type { WorkerLink } from './worker-link.ts'
import type { WorkerLinks } from './worker-links.ts'

export interface LocalMailNeeds {
  readonly observer: Observer
  readonly host: MailHost
  /** What post-login scripts make of the userdb's fields. Rejects with PostLoginDenied. */
  readonly afterLogin: (login: LocalLogin, fields: ReadonlyMap<string, string>) => Promise<PostLoginOutcome>
  /** Which process opens this user's mail. Rejects with NoMailOwner. */
  readonly placeOf: (user: string, fields: ReadonlyMap<string, string>, settings: Settings) => Promise<MailPlace>
  readonly links: WorkerLinks
}

const INTERNAL: LocalOpening = { kind: 'refused', why: { kind: 'temporary' } }

/** Opens mail for logins: here, or in the process that has the owner's rights. */
export function createLocalMail(needs: LocalMailNeeds): LocalMail {
  return {
    async open(login) {
      try {
        return await open(needs, login)
      } catch (error) {
        if (error instanceof StoreRefusal && error.code === 'in-use')
          return {
            kind: 'refused',
            why: { kind: 'too-many-connections', text: error.message },
          }
        needs.observer.log('error', login.protocol.name, `${prefixOf(login)}: ${describe(error)}`)
        return INTERNAL
      }
    },
  }
}

async function open(needs: LocalMailNeeds, login: LocalLogin): Promise<LocalOpening> {
  const fields = await userdbFields(needs, login)
  if (fields === undefined) return INTERNAL
  const { settings } = login.record
  const after = await needs.afterLogin(login, fields)
  const place = await needs.placeOf(login.outcome.user, after.fields, settings)
  const what = orderFor(login, after)
  const mail =
    place.kind === 'here' ? await openHere(needs, login, what) : await openThere(needs.links.to(place), login, what)
  return { kind: 'ready', mail }
}

async function userdbFields(
  { observer }: LocalMailNeeds,
  { auth, connection, outcome, protocol, signal }: LocalLogin,
): Promise<ReadonlyMap<string, string> | undefined> {
  const found = await lookUp(auth, connection, outcome, signal)
  if (found.kind === 'found') return found.fields
  if (found.kind === 'unknown')
    observer.log('error', protocol.name, `Authenticated user not found from userdb: ${outcome.user}`)
  return undefined
}

async function lookUp(
  auth: AuthService,
  connection: LocalLogin['connection'],
  { user, userdbFields: prefetched }: LocalLogin['outcome'],
  signal: AbortSignal,
): ReturnType<AuthService['lookupUser']> {
  return await auth.lookupUser(connection, user, prefetched, signal)
}

function orderFor(
  { protocol, outcome, record, hostname, tag }: LocalLogin,
  { fields, notice }: PostLoginOutcome,
): SessionOrder {
  const { identity } = record
  return {
    kind: 'session',
    protocol: protocol.name,
    user: outcome.user,
    ...(outcome.masterUser === undefined ? undefined : { masterUser: outcome.masterUser }),
    fields: [...fields],
    hostname,
    localIp: identity.local.ip,
    remoteIp: identity.remote.ip,
    session: identity.session,
    identity: plainIdentity(identity),
    tlsActive: record.tls !== undefined,
    reply: { tag, notice },
  }
}

async function openHere(needs: LocalMailNeeds, login: LocalLogin, what: SessionOrder): Promise<OpenMail> {
  const ending = new AbortController()
  return new MailHere(login, await needs.host.openSession(what, ending.signal), ending)
}

/** Mail that this process serves itself. */
class MailHere implements OpenMail {
  readonly pid = process.pid
  readonly #login: LocalLogin
  readonly #open: OpenSession
  readonly #ending: AbortController

  constructor(login: LocalLogin, open: OpenSession, ending: AbortController) {
    this.#login = login
    this.#open = open
    this.#ending = ending
  }

  get session(): OpenMail['session'] {
    return { ...this.#open.session, answered: true }
  }

  async serve(client: ByteStream): Promise<void> {
    try {
      await this.#login.protocol.serve?.(client, this.#open.session)
    } catch (error) {
      this.#logFault(error)
    }
    try {
      await this.#open.close()
    } catch (error) {
      this.#logFault(error)
    }
    await client.close()
  }

  discard(): void {
    this.#open.close().catch((error: unknown) => this.#logFault(error))
  }

  kick(reason: string): void {
    this.#ending.abort(reason)
  }

  #logFault(error: unknown): void {
    const text = error instanceof Error ? (error.stack ?? error.message) : String(error)
    this.#open.session.log('error', `BUG: ${text}`)
  }
}

/** A connection without TLS is given away; what TLS carries passes through here. */
async function openThere(link: WorkerLink, login: LocalLogin, what: SessionOrder): Promise<OpenMail> {
  const { settings, tls } = login.record
  const mayLeave = tls === undefined && handlePipes !== undefined && settings.postern_hand_over
  const client = mayLeave ? login.lend() : undefined
  if (client === undefined) return relayedMail(await link.relayed(what), login)
  try {
    return handedMail(await link.handed(what, client), settings)
  } catch (error) {
    client.giveBack()
    throw error
  }
}

function prefixOf({ protocol, outcome, record }: LocalLogin): string {
  return `${protocol.name}(${outcome.user})<${process.pid}><${record.identity.session}>`
}

/** Refusals and wrong configurations speak for themselves; faults need their stack. */
function describe(error: unknown): string {
  const isKnown = error instanceof StoreRefusal || error instanceof NoMailOwner || error instanceof PostLoginDenied
  if (isKnown) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}
