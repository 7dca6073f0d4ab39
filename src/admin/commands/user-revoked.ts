import { compileStrftime } from '../../observe/strftime.ts'
import type { Column } from '../output/printer.ts'
import { openTable } from '../output/table.ts'
import { compareTexts } from '../session-row.ts'
import { type Command, CommandUsageError, SOCKET_OPTION } from './command.ts'

const COLUMNS: readonly Column[] = [
  { key: 'username', title: 'username' },
  { key: 'since', title: 'since' },
  { key: 'until', title: 'until' },
]

/** `user revoked`: whose logins are refused. */
export const userRevoked: Command = {
  name: 'user revoked',
  usage: '',
  summary: 'Show whose logins are refused, since when, and what ends it.',
  options: [SOCKET_OPTION],
  columns: COLUMNS,
  async run(call) {
    if (call.words.length > 0) throw new CommandUsageError('')
    const rows: (readonly [string, string, string])[] = []
    const { status } = await call.ask(
      { command: 'user-revoked', input: null },
      ({ username = '', sinceMs, until = '' }) => rows.push([username, time(new Date(Number(sinceMs))), until]),
    )
    const printer = call.out.open(COLUMNS, openTable)
    for (const row of rows.toSorted(([left], [right]) => compareTexts(left, right))) printer.row(row)
    printer.end()
    return status
  },
}

const time = compileStrftime('%Y-%m-%d %H:%M:%S')
