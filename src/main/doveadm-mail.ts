import { mkdtempSync, rmSync } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import {
  type MailAdmin,
  MailTaskError,
  type TaskEnd,
  type TaskNews,
  type TaskRequest,
  type UserFields,
} from '../admin/commands/mail/mail-admin.ts'
import { EXIT } from '../admin/commands/command.ts'
import { connectionFrom } from '../admin/auth-question.ts'
import { openSystemUsers } from '../auth/system-users.ts'
import type { Settings } from '../config/config.ts'
import type { Observer } from '../observe/events.ts'
import { StoreRefusal } from '../storage/refusal.ts'
import { WORKER_FLAGS } from './engine.ts'
import { systemFiles } from './config-files.ts'
import { recordFiles } from './config-snapshot.ts'
import { expandForUser, mailLocationOf } from './doveadm-user.ts'
import { ConfigUnusable, type LocalAuth, openLocalAuth } from './local-auth.ts'
import type { MailHost } from './mail/mail-host.ts'
import type { TaskOrder } from './mail/mail-order.ts'
import { NoMailOwner } from './mail/mail-owner.ts'
import { createMailPlaces, type MailPlace } from './mail/mail-places.ts'
import { MailWorkers } from './mail/mail-workers.ts'
import { openMailHost } from './mail/open-mail-host.ts'
import { lookupOwner, ownerOrNobody } from './mail/owner-lookup.ts'
import { orderTask } from './mail/remote-mail.ts'
import { performTask } from './mail/serve-task.ts'
import { openStoreContext } from './mail/store-context.ts'
import { systemHome } from './mail/system-homes.ts'
import { openSystemIds } from './mail/system-ids.ts'
import { checkTask } from './mail/tasks/run-task.ts'
import { takeConfigOptions } from './options.ts'

export interface DoveadmMailNeeds {
  readonly config: string | undefined
  readonly overrides: readonly string[]
  /** Lines for standard error. */
  readonly printError: (text: string) => void
}

/** Dovecot's exit status for a configuration it cannot use. */
const EXIT_CONFIG = 89
const LOOKUP_MS = 60_000
/** A mail worker of a command has nothing to finish. */
const WORKER_GRACE_MS = 1_000

/** The mail of users for one command, with a configuration and databases of its own. Opens nothing before it is asked. */
export class DoveadmMail implements MailAdmin {
  readonly #needs: DoveadmMailNeeds
  #opening: Promise<Opened> | undefined

  constructor(needs: DoveadmMailNeeds) {
    this.#needs = needs
  }

  check(task: Parameters<MailAdmin['check']>[0]): ReturnType<MailAdmin['check']> {
    return checkTask(task, Date.now())
  }

  async run({ user, task, input }: TaskRequest, hear: (news: TaskNews) => void): Promise<TaskEnd> {
    const opened = await this.#open()
    const name = user ?? process.env.USER ?? ''
    const found: UserFields =
      user === undefined ? { kind: 'found', user: name, fields: environmentFields() } : await this.lookup(user, [])
    const fail = (text: string): TaskEnd => {
      hear({ kind: 'error', text })
      return { kind: 'done', status: EXIT.temporary }
    }
    if (found.kind === 'unknown') return { kind: 'unknown-user' }
    if (found.kind === 'failed') return fail(`User lookup failed: ${found.reason}`)
    const sourceUser = 'sourceUser' in task ? task.sourceUser : undefined
    const source = sourceUser === undefined ? undefined : await this.lookup(sourceUser, [])
    if (source !== undefined && source.kind !== 'found')
      return fail(`User lookup of ${sourceUser} failed: User doesn't exist`)
    const order: TaskOrder = {
      kind: 'task',
      user: found.user,
      fields: found.fields,
      hostname: opened.local.hostname,
      localIp: '',
      remoteIp: '',
      session: '',
      task,
      ...(source === undefined ? undefined : { source: { user: source.user, fields: source.fields } }),
    }
    try {
      return await opened.run(order, input, hear)
    } catch (error) {
      if (error instanceof NoMailOwner) return fail(`Couldn't drop privileges: ${error.message}`)
      if (error instanceof StoreRefusal) return fail(error.message)
      throw error
    }
  }

  async *users(): AsyncIterable<string> {
    const { local } = await this.#open()
    yield* local.auth.iterateUsers(AbortSignal.timeout(LOOKUP_MS))
  }

  async lookup(user: string, info: readonly string[]): Promise<UserFields> {
    const { local } = await this.#open()
    const { connection } = connectionFrom(info, { service: 'doveadm', session: '', secured: 'secured' })
    const found = await local.auth.lookupUser(connection, user, undefined, AbortSignal.timeout(LOOKUP_MS))
    if (found.kind === 'found') return { kind: 'found', user: found.user, fields: [...found.fields] }
    return found.kind === 'unknown' ? found : { kind: 'failed', reason: found.reason ?? 'Internal failure' }
  }

  async expand(template: string, user: string, fields: ReadonlyMap<string, string>): Promise<string> {
    return expandForUser(template, await this.#settings(), user, fields)
  }

  async mailLocation(user: string, fields: ReadonlyMap<string, string>): Promise<string> {
    return mailLocationOf(await this.#settings(), user, fields)
  }

  async close(): Promise<void> {
    const opening = this.#opening
    if (opening !== undefined) await (await opening.catch(() => undefined))?.close()
  }

  async #settings(): Promise<Settings> {
    const { local } = await this.#open()
    return local.config.settings({ protocol: 'doveadm' })
  }

  async #open(): Promise<Opened> {
    this.#opening ??= open(this.#needs)
    try {
      return await this.#opening
    } catch (error) {
      if (error instanceof ConfigUnusable) throw new MailTaskError(error.message, EXIT_CONFIG)
      throw error
    }
  }
}

interface Opened {
  readonly local: LocalAuth
  run(order: TaskOrder, input: AsyncIterable<Buffer> | undefined, hear: (news: TaskNews) => void): Promise<TaskEnd>
  close(): Promise<void>
}

async function open({ config, overrides, printError }: DoveadmMailNeeds): Promise<Opened> {
  const path = config ?? takeConfigOptions([]).path
  const observer = complainTo(printError)
  const local = await openLocalAuth(path, overrides, observer)
  const workers = new CommandWorkers(path, overrides, observer, local)
  const host: MailHost = openMailHost({
    config: () => local.config,
    observer,
    context: openStoreContext(),
    systemHome,
    lookupOwner: async (owner) => await ownerOrNobody(lookupOwner(local.auth, owner)),
  })
  const users = openSystemUsers({ read: async (file) => await readFile(file), stat: async (file) => await stat(file) })
  const placeOf = createMailPlaces({
    system: openSystemIds(users),
    self: { uid: process.geteuid?.() ?? 0, gid: process.getegid?.() ?? 0 },
    shares: 1,
    workerSocket: async (owner, share) => await workers.open().socketFor(owner, share),
  })
  return {
    local,
    async run(order, input, hear) {
      const settings = local.config.settings({ protocol: 'doveadm' })
      const place: MailPlace = await placeOf(order.user, new Map(order.fields), settings)
      if (place.kind === 'there') return await orderTask(await place.socket(), order, input, hear)
      const signal = new AbortController().signal
      return await performTask(host, order, { input: input ?? NO_INPUT, hear, say: hear, signal })
    },
    async close() {
      await workers.close()
      await host.close()
      await local.auth.close()
    },
  }
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
    const directory = (this.#directory ??= mkdtempSync(join(tmpdir(), 'postern-doveadm-')))
    this.#workers ??= new MailWorkers({
      file: fileURLToPath(import.meta.url.replace(/doveadm-mail\.(ts|js)$/, 'mail/mail-worker.$1')),
      directory,
      prepare: () => undefined,
      flags: [...WORKER_FLAGS, ...process.execArgv],
      source: { path: this.#path, overrides: this.#overrides, snapshot: recordFiles(systemFiles()).snapshot },
      log: (level, service, text) => this.#observer.log(level, service, text),
      lookupOwner: async (owner) => await lookupOwner(this.#local.auth, owner),
    })
    return this.#workers
  }

  async close(): Promise<void> {
    await this.#workers?.stop(WORKER_GRACE_MS)
    if (this.#directory !== undefined) rmSync(this.#directory, { recursive: true, force: true })
  }
}

/** Without `-u` it is whoever runs the command, with the rights they have. */
function environmentFields(): readonly (readonly [string, string])[] {
  const home = process.env.HOME ?? ''
  return home === '' ? [] : [['home', home]]
}

/** What would be in the log, for whoever asked. */
function complainTo(printError: (text: string) => void): Observer {
  return {
    emit: () => undefined,
    log(level, service, text) {
      if (level === 'warning') printError(`${service}: Warning: ${text}\n`)
      else if (level !== 'debug' && level !== 'info') printError(`${service}: Error: ${text}\n`)
    },
  }
}

const NO_INPUT: AsyncIterable<Buffer> = {
  async *[Symbol.asyncIterator]() {
    // Nothing comes.
  },
}
