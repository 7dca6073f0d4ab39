import { openFlow } from '../../output/flow.ts'
import type { Column, OpenPrinter, Printer } from '../../output/printer.ts'
import { type Command, type CommandCall, type CommandOption, EXIT } from '../command.ts'
import { MailTaskError, type MailTask, type TaskEnd } from './mail-admin.ts'
import { NoSuchList, selectUsers } from './select-users.ts'

/** A command that does something with the mail of one user, of some, or of all. */
export interface MailCommand extends Omit<Command, 'run' | 'options'> {
  readonly options?: readonly CommandOption[]
  /** The format without `-f`. */
  readonly format?: OpenPrinter
  /** Reads the command line. Throws CommandUsageError. */
  plan(call: CommandCall): MailTask | Promise<MailTask>
  /** A message, for commands that take one. */
  input?(call: CommandCall): AsyncIterable<Buffer>
}

export const USER_OPTIONS: readonly CommandOption[] = [
  { letter: 'u', value: 'user', doc: 'Whose mail; a mask with `*` and `?` for several users.' },
  { letter: 'A', doc: 'The mail of all users that the userdbs can list.' },
  { letter: 'F', value: 'file', doc: 'The mail of the users in this file, one a line.' },
]

const SHARED_DETAIL =
  "The mail is opened with its owner's rights: started as root the command becomes the owner, as `mail_uid` or the userdb say; otherwise it must be the owner. No server need run. Without `-u`, `-A` and `-F` it is the mail of $USER, with this process's rights and $HOME."

const STATUSES: Exclude<Command['statuses'], undefined> = [
  [EXIT.noUser, 'The user does not exist.'],
  [EXIT.notFound, 'A mailbox does not exist.'],
  [65, 'It cannot be: a mailbox exists already, INBOX cannot be deleted.'],
  [73, 'The quota is exceeded.'],
  [EXIT.temporary, 'It failed for now, or the search query makes no sense.'],
  [EXIT.permission, 'The rights for it are missing.'],
]

/** The command over users. */
export function mailCommand(command: MailCommand): Command {
  const { details = [], options = [] } = command
  return {
    ...command,
    details: [...details, SHARED_DETAIL],
    options: [...USER_OPTIONS, ...options],
    statuses: STATUSES,
    run: async (call) => await runForUsers(command, call),
  }
}

async function runForUsers(command: MailCommand, call: CommandCall): Promise<number> {
  const { out } = call
  try {
    const task = await command.plan(call)
    const { columns } = call.mail.check(task)
    const users = selectUsers(call)
    const all = users.kind === 'one' ? columns : [USERNAME, ...columns]
    const printer = columns.length === 0 ? NO_LISTING : out.open(all, command.format ?? openFlow)
    const run = new Run(command, call, task, printer)
    const status = users.kind === 'one' ? await run.one(users.user) : await run.many(users.users)
    printer.end()
    return status
  } catch (error) {
    if (!(error instanceof MailTaskError)) throw error
    out.complain(error.message, 'Fatal')
    return error.status
  }
}

class Run {
  readonly #command: MailCommand
  readonly #call: CommandCall
  readonly #task: MailTask
  readonly #printer: Printer

  constructor(command: MailCommand, call: CommandCall, task: MailTask, printer: Printer) {
    this.#command = command
    this.#call = call
    this.#task = task
    this.#printer = printer
  }

  async one(user: string | undefined): Promise<number> {
    const end = await this.#run(user, [])
    if (end.kind === 'done') return end.status
    this.#say(user ?? '', 'Error', "User doesn't exist")
    return EXIT.noUser
  }

  /** A user who is gone meanwhile is no error; others are tried whatever happens to one. */
  async many(users: AsyncIterable<string>): Promise<number> {
    let status: number = EXIT.ok
    let done = 0
    try {
      for await (const user of users) {
        this.#call.progress(`${++done} users: ${user}`)
        const end = await this.#run(user, [user])
        if (end.kind === 'unknown-user') this.#say(user, 'Info', 'User no longer exists, skipping')
        else if (status !== EXIT.temporary && end.status !== EXIT.ok) status = end.status
      }
    } catch (error) {
      if (!(error instanceof NoSuchList)) throw error
      this.#call.out.complain(error.message)
      this.#call.out.printError('doveadm: Error: Failed to iterate through some users\n')
      status = EXIT.temporary
    }
    this.#call.progress('')
    return status
  }

  async #run(user: string | undefined, before: readonly string[]): Promise<TaskEnd> {
    const { mail, progress } = this.#call
    const input = this.#command.input?.(this.#call)
    const request = { user, task: this.#task, ...(input === undefined ? undefined : { input }) }
    const end = await mail.run(request, (news) => {
      if (news.kind === 'row') this.#printer.row([...before, ...news.values])
      else if (news.kind === 'error') this.#say(user ?? '', news.severity ?? 'Error', news.text)
      else progress(`${news.done} / ${news.total}`)
    })
    progress('')
    return end
  }

  #say(user: string, severity: string, text: string): void {
    this.#call.out.printError(`doveadm(${user || (process.env.USER ?? '')}): ${severity}: ${text}\n`)
  }
}

const USERNAME: Column = { key: 'username', title: 'Username', hideTitle: true }
const NO_LISTING: Printer = { row: () => undefined, end: () => undefined }
