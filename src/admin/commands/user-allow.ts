import type { Column } from '../output/printer.ts'
import { sentencePrinter } from '../output/sentence.ts'
import { administrator } from './administrator.ts'
import { type Command, CommandUsageError, EXIT, SOCKET_OPTION } from './command.ts'

const COLUMNS: readonly Column[] = [{ key: 'username', title: 'username' }]

/** `user allow`: takes `user revoke` back. */
export const userAllow: Command = {
  name: 'user allow',
  usage: '<user> [...]',
  summary: 'Let revoked users log in again.',
  options: [SOCKET_OPTION],
  columns: COLUMNS,
  statuses: [[EXIT.notFound, 'One of them was not revoked.']],
  async run(call) {
    if (call.words.length === 0) throw new CommandUsageError('No users given.')
    const printer = call.out.open(COLUMNS, allowed)
    const input = { users: call.words, by: administrator() }
    const { status } = await call.ask({ command: 'user-allow', input }, ({ username = '' }) => printer.row([username]))
    printer.end()
    return status
  },
}

const allowed = sentencePrinter(([username]) => `${username} may log in again\n`)
