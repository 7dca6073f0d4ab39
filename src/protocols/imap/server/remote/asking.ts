// Questions about mailboxes on other servers that have an answer for the client.
import type { Argument } from '../../wire/argument-reader.ts'
import { quoted } from '../../wire/argument-writer.ts'
import { No } from '../bad-command.ts'
import type { Reply } from '../command.ts'
import { astringText } from '../mailbox-argument.ts'
import type { StatusItem } from '../status-items.ts'
import type { RemoteMailboxes } from './remote-mailboxes.ts'
import type { RemoteName } from './replies.ts'
import { textOf } from './response.ts'

/** STATUS: `(MESSAGES 2 UIDNEXT 3)`. Throws No. */
export async function askStatus(
  remote: RemoteMailboxes,
  to: RemoteName,
  items: ReadonlySet<StatusItem>,
): Promise<string> {
  const { answers } = await remote.ask(
    to,
    (mailbox) => `STATUS ${mailbox} (${[...items].join(' ')})`,
    ['STATUS'],
    READING,
  )
  const list = answers[0]?.args[1]
  if (list?.kind !== 'list') throw new No('[CANNOT] The server of this mailbox does not tell its status')
  return `(${list.items.map((item) => textOf(item) ?? '').join(' ')})`
}

/** What follows the name in MYRIGHTS. Throws No. */
export async function askRights(remote: RemoteMailboxes, to: RemoteName): Promise<readonly string[]> {
  const { answers } = await remote.ask(to, (mailbox) => `MYRIGHTS ${mailbox}`, ['MYRIGHTS'], READING)
  return wordsOf(answers[0]?.args.slice(1) ?? [])
}

export interface AclQuestion {
  readonly command: 'MYRIGHTS' | 'GETACL' | 'SETACL' | 'DELETEACL'
  /** As the client wrote it: it is said back so. */
  readonly mailbox: string
  readonly rest: readonly string[]
}

/** A command of RFC 4314. Throws No. */
export async function askAcl(
  remote: RemoteMailboxes,
  to: RemoteName,
  { command, mailbox: shown, rest }: AclQuestion,
): Promise<Reply> {
  if (rest.some((word) => UNSAYABLE.test(word))) throw new No('[CANNOT] Control characters cannot be passed on')
  const name = command === 'GETACL' ? 'ACL' : command
  const words = rest.map((word) => ` ${quoted(word)}`).join('')
  const { text, answers } = await remote.ask(to, (mailbox) => `${command} ${mailbox}${words}`, [name], {
    mayRepeat: command === 'MYRIGHTS' || command === 'GETACL',
  })
  for (const { args } of answers) {
    remote.session.out.text(`* ${[name, astringText(shown), ...wordsOf(args.slice(1))].join(' ')}\r\n`)
  }
  return { text }
}

function wordsOf(args: readonly Argument[]): readonly string[] {
  return args.map((arg) => astringText(textOf(arg) ?? ''))
}

const READING = { mayRepeat: true }
const UNSAYABLE = /[\0\r\n]/
