import type { Column } from '../output/printer.ts'
import { sentencePrinter } from '../output/sentence.ts'
import { type Command, SOCKET_OPTION } from './command.ts'

const COLUMNS: readonly Column[] = [{ key: 'entries', title: 'entries' }]

/** `auth cache flush`: forgets what the auth cache knows of users, or of everybody. */
export const authCacheFlush: Command = {
  name: 'auth cache flush',
  usage: '[<user> [...]]',
  summary: 'Forget what the auth cache knows, of some users or of all.',
  details: [
    'Needed after a change in a database that must hold at once while `auth_cache_size` is set, such as a move.',
  ],
  options: [SOCKET_OPTION],
  columns: COLUMNS,
  async run(call) {
    const users = call.words
    let count = 0
    const input = { users: users.length === 0 ? null : users }
    const { status } = await call.ask({ command: 'auth-cache-flush', input }, (row) => {
      count += Number(row.entries ?? 0)
    })
    const printer = call.out.open(COLUMNS, flushed)
    printer.row([String(count)])
    printer.end()
    return status
  },
}

const flushed = sentencePrinter(([entries]) => `${entries} cache entries flushed\n`)
