import { compileStrftime } from '../../observe/strftime.ts'
import { parseNetworks } from '../../util/ip.ts'
import type { Column } from '../output/printer.ts'
import { openTable } from '../output/table.ts'
import { type Command, CommandUsageError, SOCKET_OPTION } from './command.ts'

const COLUMNS: readonly Column[] = [
  { key: 'IP', title: 'IP' },
  { key: 'penalty', title: 'penalty' },
  { key: 'last_penalty', title: 'last_penalty' },
  { key: 'last_update', title: 'last_update' },
]

/** `penalty`: the networks whose clients wait before they may log in. */
export const penalty: Command = {
  name: 'penalty',
  usage: '[<ip/bits>]',
  summary: 'Show from where logins failed, and how long the next one waits.',
  details: [
    'A penalty of 1 makes the next login from there wait 4 seconds, 2 is 8, 3 and 4 are 15 seconds. IPv6 addresses count together with their /48. After 15 quiet seconds nobody waits; after 29 the network is forgotten.',
  ],
  options: [SOCKET_OPTION],
  columns: COLUMNS,
  async run(call) {
    const networks = parseNetworks(call.words.join(' '))
    if (call.words.length > 1 || networks.invalid.length > 0) throw new CommandUsageError('')
    const rows: (readonly string[])[] = []
    const { status } = await call.ask({ command: 'penalty', input: null }, (row) => {
      const { network = '', level = '', failedMs, updatedMs } = row
      if (!networks.isEmpty && !networks.has(network)) return
      rows.push([network, level, fullTime(new Date(Number(failedMs))), dayTime(new Date(Number(updatedMs)))])
    })
    const printer = call.out.open(COLUMNS, openTable)
    for (const row of rows) printer.row(row)
    printer.end()
    return status
  },
}

const fullTime = compileStrftime('%Y-%m-%d %H:%M:%S')
const dayTime = compileStrftime('%H:%M:%S')
