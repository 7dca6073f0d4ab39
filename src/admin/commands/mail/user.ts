import type { Column } from '../../output/printer.ts'
import { openTab } from '../../output/tab.ts'
import { INFO_OPTION } from '../auth-info-option.ts'
import { type Command, type CommandCall, CommandUsageError, EXIT } from '../command.ts'
import { MailTaskError } from './mail-admin.ts'
import { matching, NoSuchList } from './select-users.ts'

const FIELD_COLUMNS: readonly Column[] = [
  { key: 'field', title: 'field' },
  { key: 'value', title: 'value' },
]

/** `user`: what the userdbs say. */
export const user: Command = {
  name: 'user',
  usage: '[-x <auth info>] [-f field] [-e <value>] [-u] <user mask> [<user mask> [...]]',
  summary: 'Look users up in the user databases, or list them.',
  details: [
    'With `*` or `?` in a mask all users that match are listed, and nothing else of them is shown.',
    'The fields are those the mail is opened with: `uid`, `gid` and `home` with their defaults, and `mail`.',
  ],
  options: [
    INFO_OPTION,
    { letter: 'f', value: 'field', doc: "Print only this field's value." },
    { letter: 'e', value: 'value', doc: 'Print this text, with its %variables filled in.' },
    { letter: 'u', doc: 'Only what the userdbs say, without defaults.' },
  ],
  columns: FIELD_COLUMNS,
  statuses: [
    [EXIT.noUser, 'A user does not exist.'],
    [EXIT.temporary, 'A database failed.'],
  ],
  async run(call) {
    if (call.words.length === 0) throw new CommandUsageError('')
    refuseMixture(call)
    try {
      if (call.words.some((word) => /[*?]/.test(word))) return await list(call)
      return await lookUp(call)
    } catch (error) {
      if (!(error instanceof MailTaskError)) throw error
      call.out.complain(error.message)
      return error.status
    }
  },
}

function refuseMixture({ has, value }: CommandCall): void {
  if (value('e') === undefined) return
  if (has('u')) throw new CommandUsageError("-e can't be used with -u")
  if (value('f') !== undefined) throw new CommandUsageError("-e can't be used with -f")
}

async function list({ words, mail, out }: CommandCall): Promise<number> {
  try {
    for await (const name of matching(mail, words)) out.print(`${name}\n`)
    return EXIT.ok
  } catch (error) {
    if (!(error instanceof NoSuchList)) throw error
    out.complain(`user listing failed: ${error.message}`)
    return EXIT.temporary
  }
}

async function lookUp(call: CommandCall): Promise<number> {
  const { words, out, value, values, has, mail } = call
  const field = value('f')
  const template = value('e')
  const asText = field !== undefined || template !== undefined || has('u')
  const printer = asText ? undefined : out.open(FIELD_COLUMNS, openTab)
  let status: number = EXIT.ok
  for (const [index, name] of words.entries()) {
    if (index > 0 && out.format === undefined && template === undefined) out.print('\n')
    const found = await mail.lookup(name, values('x'))
    if (found.kind === 'found') {
      const fields = new Map(found.fields)
      if (template !== undefined) out.print(`${await mail.expand(template, found.user, fields)}\n`)
      else if (has('u'))
        out.print(field === undefined ? userdbText(found.user, found.fields) : valueLine(found.fields, field))
      else {
        const shown = [...shownFields(fields), ['mail', await mail.mailLocation(found.user, fields)] as const]
        if (field !== undefined) out.print(valueLine(shown, field))
        else for (const row of shown) printer?.row(row)
      }
      continue
    }
    status = Math.max(status, found.kind === 'unknown' ? EXIT.noUser : EXIT.temporary)
    if (found.kind === 'failed') out.printError(`doveadm(${name}): Error: userdb lookup failed: ${found.reason}\n`)
    else tellUnknown(call, name)
  }
  printer?.end()
  return status
}

/** Among values alone, a sentence would be taken for one. */
function tellUnknown({ out, has, value }: CommandCall, name: string): void {
  const text = `${has('u') ? '' : '\n'}userdb lookup: user ${name} doesn't exist\n`
  if (value('f') === undefined) out.print(text)
  else out.printError(text)
}

const FIRST = ['uid', 'gid', 'home']

/** `uid`, `gid`, `home`, and whatever else the databases said. */
function shownFields(fields: ReadonlyMap<string, string>): readonly (readonly [string, string])[] {
  const first = FIRST.flatMap((name) => (fields.has(name) ? [[name, fields.get(name) ?? ''] as const] : []))
  return [...first, ...[...fields].filter(([name]) => !FIRST.includes(name) && name !== 'mail')]
}

function userdbText(name: string, fields: readonly (readonly [string, string])[]): string {
  const lines = [['user', name] as const, ...fields].map(
    ([key, value]) => `  ${key.padEnd(10)}${value === '' ? '' : `: ${value}`}\n`,
  )
  return `userdb: ${name}\n${lines.join('')}`
}

function valueLine(fields: readonly (readonly [string, string])[], wanted: string): string {
  const found = fields.find(([name]) => name === wanted)
  return found === undefined ? '' : `${found[1]}\n`
}
