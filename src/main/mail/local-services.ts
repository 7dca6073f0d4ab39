import { readFile, stat } from 'node:fs/promises'
import { openSystemUsers } from '../../auth/system-users.ts'
import type { AuthService } from '../../auth/auth.ts'
import type { Config } from '../../config/config.ts'
import type { LocalLogin, LocalMail } from '../../login/environment.ts'
import type { Observer } from '../../observe/events.ts'
import type { LocalMailboxes } from '../../protocols/lmtp/index.ts'
import { ownServer } from './imapc/owner-server.ts'
import { createLmtpMailboxes } from './lmtp-mailboxes.ts'
import { createLocalMail } from './local-mail.ts'
import type { MailOwner, SystemIds } from './mail-owner.ts'
import { createMailPlaces } from './mail-places.ts'
import { openMailHost } from './open-mail-host.ts'
import { lookupOwner, ownerOrNobody } from './owner-lookup.ts'
import { findPostLogin, type PostLoginOutcome, runPostLogin } from './post-login.ts'
import { openStoreContext } from './store-context.ts'
import { openSystemIds } from './system-ids.ts'
import { systemHome } from './system-homes.ts'
import { UserTurns } from './user-turns.ts'
import { WorkerLinks } from './worker-links.ts'

export interface LocalServicesNeeds {
  readonly observer: Observer
  readonly config: () => Config
  readonly auth: () => AuthService
  /** Processes that share the users of one owner. */
  readonly shares: number
  readonly workerSocket: (owner: MailOwner, share: number) => Promise<string>
}

/** Mail that is kept on this server, for the login protocols and for LMTP. */
export interface LocalServices {
  readonly logins: LocalMail
  readonly lmtp: (environment: { readonly hostname: string }) => LocalMailboxes
  close(): Promise<void>
}

export function openLocalServices(needs: LocalServicesNeeds): LocalServices {
  const { observer, config, auth } = needs
  const users = openSystemUsers({ read: async (path) => await readFile(path), stat: async (path) => await stat(path) })
  const system = openSystemIds(users)
  const placeOf = createMailPlaces({
    system,
    self: { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 },
    shares: needs.shares,
    workerSocket: needs.workerSocket,
  })
  const own = ownServer(config)
  const host = openMailHost({
    config,
    observer,
    context: openStoreContext(),
    systemHome,
    lookupOwner: async (owner, route) => await ownerOrNobody(lookupOwner(auth(), owner, route ? own : undefined)),
  })
  const turns = new UserTurns()
  const links = new WorkerLinks((text) => observer.log('error', 'mail', text))
  return {
    logins: createLocalMail({
      observer,
      host,
      placeOf,
      links,
      afterLogin: (login, fields) => afterLogin(config(), system, login, fields),
    }),
    lmtp: ({ hostname }) => createLmtpMailboxes({ observer, host, placeOf, links, hostname }, turns),
    close: () => host.close(),
  }
}

async function afterLogin(
  config: Config,
  system: SystemIds,
  { protocol, outcome, record }: LocalLogin,
  fields: ReadonlyMap<string, string>,
): Promise<PostLoginOutcome> {
  const scripts = findPostLogin(config, protocol.name)
  if (scripts === undefined) return { fields, notice: '' }
  const { local, remote } = record.identity
  const { masterUser } = outcome
  const known = masterUser === undefined ? fields : new Map([...fields, ['master_user', masterUser]])
  const input = { user: outcome.user, remoteIp: remote.ip, localIp: local.ip, fields: known }
  return await runPostLogin(scripts, input, system)
}
