import { openFlow } from '../../output/flow.ts'
import type { Column, OpenPrinter, Printer } from '../../output/printer.ts'
import { type Command, type CommandCall, type CommandOption, EXIT } from '../command.ts'
import { MailTaskError, type MailTask, type TaskEnd } from './mail-admin.ts'
import { NoSuchList, type SelectedUsers, selectUsers } from './select-users.ts'

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

/** A command that `doveadm batch` can run with others. */
export type BatchableCommand = Command & Pick<MailCommand, 'plan' | 'format' | 'input'>

/** The command over users. */
export function mailCommand(command: MailCommand): BatchableCommand {
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
  return await withFatal(call, async () => {
    const task = await command.plan(call)
    const { columns } = call.mail.check(task)
    const users = selectUsers(call)
    const printer = openListing(command, call, columns, users)
    const status = await new Run(call, [{ command, call, task, printer: () => printer }]).over(users)
    printer.end()
    return status
  })
}

/** What makes no sense is told as Dovecot does. */
export async function withFatal({ out }: CommandCall, work: () => Promise<number>): Promise<number> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof MailTaskError)) throw error
    out.complain(error.message, 'Fatal')
    return error.status
  }
}

/** A listing of what a command shows; of several users with their names. */
export function openListing(
  { format }: Pick<MailCommand, 'format'>,
  { out }: CommandCall,
  columns: readonly Column[],
  users: SelectedUsers,
): Printer {
  if (columns.length === 0) return NO_LISTING
  return out.open(users.kind === 'one' ? columns : [USERNAME, ...columns], format ?? openFlow)
}

/** One thing to do with the mail of each user. */
export interface Step {
  readonly command: Pick<MailCommand, 'input'>
  readonly call: CommandCall
  readonly task: MailTask
  /** Where its rows go, for one user; `end` is not called. */
  readonly printer: () => Printer
  readonly onDone?: (printer: Printer) => void
}

/** Does things with the mail of users, one user after the other; what fails ends it for that user. */
export class Run {
  readonly #call: CommandCall
  readonly #steps: readonly Step[]

  constructor(call: CommandCall, steps: readonly Step[]) {
    this.#call = call
    this.#steps = steps
  }

  /** Resolves with the exit status. */
  async over(users: SelectedUsers): Promise<number> {
    return await (users.kind === 'one' ? this.#one(users.user) : this.#many(users.users))
  }

  async #one(user: string | undefined): Promise<number> {
    const end = await this.#run(user, [])
    if (end.kind === 'done') return end.status
    this.#say(user ?? '', 'Error', "User doesn't exist")
    return EXIT.noUser
  }

  /** A user who is gone meanwhile is no error; others are tried whatever happens to one. */
  async #many(users: AsyncIterable<string>): Promise<number> {
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
    let end: TaskEnd = { kind: 'done', status: EXIT.ok }
    for (const step of this.#steps) {
      end = await this.#do(step, user, before)
      if (end.kind !== 'done' || end.status !== EXIT.ok) break
    }
    return end
  }

  async #do(step: Step, user: string | undefined, before: readonly string[]): Promise<TaskEnd> {
    const { command, call, task } = step
    const { mail, progress } = this.#call
    const input = command.input?.(call)
    const printer = step.printer()
    const request = { user, task, ...(input === undefined ? undefined : { input }) }
    const end = await mail.run(request, (news) => {
      if (news.kind === 'row') printer.row([...before, ...news.values])
      else if (news.kind === 'error') this.#say(user ?? '', news.severity ?? 'Error', news.text)
      else progress(`${news.done} / ${news.total}`)
    })
    step.onDone?.(printer)
    progress('')
    return end
  }

  #say(user: string, severity: string, text: string): void {
    this.#call.out.printError(`doveadm(${user || (process.env.USER ?? '')}): ${severity}: ${text}\n`)
  }
}

const USERNAME: Column = { key: 'username', title: 'Username', hideTitle: true }
const NO_LISTING: Printer = { row: () => undefined, end: () => undefined }
