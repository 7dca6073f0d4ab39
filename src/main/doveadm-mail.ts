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
import type { Settings } from '../config/config.ts'
import type { Observer } from '../observe/events.ts'
import { StoreRefusal } from '../storage/refusal.ts'
import { type CommandMail, openCommandMail } from './command-mail.ts'
import { expandForUser, mailLocationOf } from './doveadm-user.ts'
import { ConfigUnusable } from './local-auth.ts'
import type { TaskOrder } from './mail/mail-order.ts'
import { NoMailOwner } from './mail/mail-owner.ts'
import { orderTask } from './mail/remote-mail.ts'
import { performTask } from './mail/serve-task.ts'
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

/** The mail of users for one command, with a configuration and databases of its own. Opens nothing before it is asked. */
export class DoveadmMail implements MailAdmin {
  readonly #needs: DoveadmMailNeeds
  #opening: Promise<CommandMail> | undefined

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
      return await perform(opened, order, input, hear)
    } catch (error) {
      if (error instanceof NoMailOwner) return fail(`Couldn't drop privileges: ${error.message}`)
      if (error instanceof StoreRefusal) return fail(error.message)
      // A file that cannot be read.
      if (error instanceof Error && 'syscall' in error) return fail(error.message)
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

  async #open(): Promise<CommandMail> {
    const { config, overrides, printError } = this.#needs
    this.#opening ??= openCommandMail(config ?? takeConfigOptions([]).path, overrides, complainTo(printError))
    try {
      return await this.#opening
    } catch (error) {
      if (error instanceof ConfigUnusable) throw new MailTaskError(error.message, EXIT_CONFIG)
      throw error
    }
  }
}

async function perform(
  { local, host, placeOf }: CommandMail,
  order: TaskOrder,
  input: AsyncIterable<Buffer> | undefined,
  hear: (news: TaskNews) => void,
): Promise<TaskEnd> {
  const settings = local.config.settings({ protocol: 'doveadm' })
  const place = await placeOf(order.user, new Map(order.fields), settings)
  if (place.kind === 'there') return await orderTask(await place.socket(), order, input, hear)
  const { signal } = new AbortController()
  return await performTask(host, order, { input: input ?? NO_INPUT, hear, say: hear, signal })
}

/** Without `-u` it is whoever runs the command, with the rights they have. */
export function environmentFields(): readonly (readonly [string, string])[] {
  const home = process.env.HOME ?? ''
  return home === '' ? [] : [['home', home]]
}

/** What would be in the log, for whoever asked. */
function complainTo(printError: (text: string) => void): Observer {
  return {
    emit: () => undefined,
    log(level, service, text) {
      // What mail_log says of a user's mail, as Dovecot's doveadm shows it.
      if (level === 'info' && service.startsWith('doveadm('))
        printError(`${service.replace(/<\d+>$/, '')}: Info: ${text}\n`)
      else if (level === 'warning') printError(`${service}: Warning: ${text}\n`)
      else if (level !== 'debug' && level !== 'info') printError(`${service}: Error: ${text}\n`)
    },
  }
}

const NO_INPUT: AsyncIterable<Buffer> = {
  async *[Symbol.asyncIterator]() {
    // Nothing comes.
  },
}
