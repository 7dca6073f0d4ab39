import { openFlow } from '../output/flow.ts'
import type { Column } from '../output/printer.ts'
import type { AuthAnswer } from '../auth-answer.ts'
import { INFO_OPTION } from './auth-info-option.ts'
import { askAuth } from './ask-auth.ts'
import { type Command, type CommandCall, CommandUsageError, EXIT, SOCKET_OPTION } from './command.ts'
import { printLookup } from './print-answer.ts'

/** With `-f`, fields are rows. Dovecot prints its text all the same, behind an empty listing. */
export const FIELD_COLUMNS: readonly Column[] = [
  { key: 'username', title: 'username' },
  { key: 'field', title: 'field' },
  { key: 'value', title: 'value' },
]

/** `auth lookup`: what the password databases say about users. */
export const authLookup: Command = {
  name: 'auth lookup',
  usage: '[-x <auth info>] [-f field] <user> [<user> [...]]',
  summary: "Look users up in the server's password databases, without a password.",
  details: [
    'Fields are shown as they are, secrets too, as Dovecot does. `postern auth explain` says where each comes from.',
  ],
  options: [INFO_OPTION, { letter: 'f', value: 'field', doc: "Print only this field's value." }, SOCKET_OPTION],
  columns: FIELD_COLUMNS,
  statuses: [
    [EXIT.noUser, 'A user does not exist.'],
    [EXIT.temporary, 'A database failed, or the server is not running.'],
  ],
  async run(call) {
    if (call.words.length === 0) throw new CommandUsageError('')
    return await lookUpAll(call, async (user) => await askAuth(call, 'auth-lookup', { user, info: call.values('x') }))
  },
}

/** Looks up the users of a command line, one after the other, and says the exit status. */
export async function lookUpAll(
  { words, out, value }: Pick<CommandCall, 'words' | 'out' | 'value'>,
  lookUp: (user: string) => Promise<AuthAnswer>,
): Promise<number> {
  const field = value('f')
  const show = out.format === undefined ? textShower(out, field) : rowShower(out, field)
  let status: number = EXIT.ok
  for (const user of words) {
    const answer = await lookUp(user)
    show.user(user, answer)
    status = Math.max(status, statusOf(answer))
  }
  show.end()
  return status
}

function statusOf({ result }: AuthAnswer): number {
  if (result === 'ok') return EXIT.ok
  return result === 'temporary' ? EXIT.temporary : EXIT.noUser
}

interface Shower {
  user(user: string, answer: AuthAnswer): void
  end(): void
}

function textShower(out: CommandCall['out'], field: string | undefined): Shower {
  let separator = ''
  return {
    user(user, answer) {
      out.print(separator)
      separator = '\n'
      if (answer.result === 'temporary') out.complain(`passdb lookup failed for ${user}`)
      else if (answer.result === 'ok')
        out.print(field === undefined ? printLookup(user, answer) : valueLine(answer, field))
      else tellUnknown(out, user, field)
    },
    end: () => undefined,
  }
}

/** Among values alone, a sentence would be taken for one. */
function tellUnknown(out: CommandCall['out'], user: string, field: string | undefined): void {
  const text = `passdb lookup: user ${user} doesn't exist`
  if (field === undefined) out.print(`${text}\n`)
  else out.complain(text)
}

function valueLine({ fields }: AuthAnswer, field: string): string {
  const found = fields.find(([name]) => name === field)
  return found === undefined ? '' : `${found[1]}\n`
}

function rowShower(out: CommandCall['out'], field: string | undefined): Shower {
  const printer = out.open(FIELD_COLUMNS, openFlow)
  return {
    user(user, { result, fields }) {
      if (result === 'temporary') out.complain(`passdb lookup failed for ${user}`)
      else if (result !== 'ok') out.complain(`passdb lookup: user ${user} doesn't exist`)
      for (const [name, value] of fields) if (field === undefined || name === field) printer.row([user, name, value])
    },
    end: () => printer.end(),
  }
}
