import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openSystemUsers } from '../auth/system-users.ts'
import type { Settings } from '../config/config.ts'
import type { Observer } from '../observe/events.ts'
import { systemFiles } from './config-files.ts'
import { recordFiles } from './config-snapshot.ts'
import { controlPath } from './control-path.ts'
import { type LocalAuth, openLocalAuth } from './local-auth.ts'
import { ownServer } from './mail/imapc/owner-server.ts'
import type { MailHost } from './mail/mail-host.ts'
import { createMailPlaces, type MailPlace } from './mail/mail-places.ts'
import { MAIL_WORKER_FLAGS } from './mail/mail-worker-flags.ts'
import { MailWorkers } from './mail/mail-workers.ts'
import { openMailHost } from './mail/open-mail-host.ts'
import { lookupOwner, ownerOrNobody } from './mail/owner-lookup.ts'
import { findServerMail, type ServerMail } from './mail/server-mail.ts'
import { openStoreContext } from './mail/store-context.ts'
import { systemHome } from './mail/system-homes.ts'
import { openSystemIds } from './mail/system-ids.ts'

/** A mail worker of a command has nothing to finish. */
const WORKER_GRACE_MS = 1_000

/** What a command needs to open users' mail: no server need run, but one that does is asked. */
export interface CommandMail {
  readonly local: LocalAuth
  readonly host: MailHost
  /** Which process opens a user's mail: this one, or one with the owner's rights. Rejects with NoMailOwner. */
  readonly placeOf: (user: string, fields: ReadonlyMap<string, string>, settings: Settings) => Promise<MailPlace>
  close(): Promise<void>
}

/** Opens databases of a configuration; mail is opened when it is asked for. Rejects with ConfigUnusable. */
export async function openCommandMail(
  path: string,
  overrides: readonly string[],
  observer: Observer,
): Promise<CommandMail> {
  const local = await openLocalAuth(path, overrides, observer)
  const workers = new CommandWorkers(path, overrides, observer, local)
  const host = openMailHost({
    config: () => local.config,
    observer,
    context: openStoreContext(),
    systemHome,
    lookupOwner: async (owner, route) =>
      await ownerOrNobody(lookupOwner(local.auth, owner, route ? ownServer(() => local.config) : undefined)),
  })
  const users = openSystemUsers({ read: async (file) => await readFile(file), stat: async (file) => await stat(file) })
  const server = await serverFor(local, overrides)
  return {
    local,
    host,
    placeOf: createMailPlaces({
      system: openSystemIds(users),
      self: { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 },
      shares: server?.shares ?? 1,
      workerSocket: async (owner, share) =>
        (await server?.socketFor(owner, share)) ?? (await workers.open().socketFor(owner, share)),
    }),
    async close() {
      await workers.close()
      await host.close()
      await local.auth.close()
    },
  }
}

/** Only root may ask a server for its processes; a server does not know of settings of a command line. */
async function serverFor({ config }: LocalAuth, overrides: readonly string[]): Promise<ServerMail | undefined> {
  if (process.geteuid?.() !== 0 || overrides.length > 0) return undefined
  return await findServerMail(controlPath(config.settings({ protocol: 'master' })))
}

/** Processes that have owners' rights, when this one is root and is not who owns the mail. */
class CommandWorkers {
  readonly #path: string
  readonly #overrides: readonly string[]
  readonly #observer: Observer
  readonly #local: LocalAuth
  #workers: MailWorkers | undefined
  #directory: string | undefined

  constructor(path: string, overrides: readonly string[], observer: Observer, local: LocalAuth) {
    this.#path = path
    this.#overrides = overrides
    this.#observer = observer
    this.#local = local
  }

  open(): MailWorkers {
    const directory = (this.#directory ??= mkdtempSync(join(tmpdir(), 'postern-mail-')))
    this.#workers ??= new MailWorkers({
      file: fileURLToPath(import.meta.url.replace(/command-mail\.(ts|js)$/, 'mail/mail-worker.$1')),
      directory,
      prepare: () => undefined,
      flags: MAIL_WORKER_FLAGS,
      source: { path: this.#path, overrides: this.#overrides, snapshot: recordFiles(systemFiles()).snapshot },
      log: (level, service, text) => this.#observer.log(level, service, text),
      lookupOwners: async (asked) =>
        await Promise.all(
          asked.map(({ owner, route }) =>
            lookupOwner(this.#local.auth, owner, route ? ownServer(() => this.#local.config) : undefined),
          ),
        ),
    })
    return this.#workers
  }

  async close(): Promise<void> {
    await this.#workers?.stop(WORKER_GRACE_MS)
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true })
  }
}
