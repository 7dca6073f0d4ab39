import { compileStrftime } from '../../observe/strftime.ts'
import type { Column } from '../output/printer.ts'
import { openTable } from '../output/table.ts'
import { compareTexts } from '../session-row.ts'
import { type Command, SOCKET_OPTION } from './command.ts'

const COLUMNS: readonly Column[] = [
  { key: 'host', title: 'host' },
  { key: 'ip', title: 'ip' },
  { key: 'port', title: 'port' },
  { key: 'state', title: 'state' },
  { key: 'sessions', title: 'sessions' },
  { key: 'logging-in', title: 'logging in' },
  { key: 'last-failure', title: 'last failure' },
  { key: 'last-error', title: 'last error' },
]

/** `proxy backends`: which backends answer, and what they serve. Dovecot has no such command. */
export const proxyBackends: Command = {
  name: 'proxy backends',
  usage: '',
  summary: 'Show every backend: whether it answers, its sessions, its last error.',
  details: [
    'A backend is known once somebody was sent there. `down`: the newest attempt to reach it failed; it is tried again with the next login.',
  ],
  options: [SOCKET_OPTION],
  columns: COLUMNS,
  async run(call) {
    const rows: Readonly<Record<string, string>>[] = []
    const { status } = await call.ask({ command: 'backends', input: null }, (row) => rows.push(row))
    rows.sort(
      (left, right) => compareTexts(left.ip ?? '', right.ip ?? '') || Number(left.port ?? 0) - Number(right.port ?? 0),
    )
    const printer = call.out.open(COLUMNS, openTable)
    for (const { hosts = '', ip = '', port = '', state = '', sessions = '', waiting = '', ...last } of rows) {
      printer.row([hosts, ip, port, state, sessions, waiting, timeText(last.lastFailureMs), last.lastError ?? ''])
    }
    printer.end()
    return status
  },
}

const format = compileStrftime('%Y-%m-%d %H:%M:%S')

function timeText(ms: string | undefined): string {
  return ms === undefined || ms === '0' ? '-' : format(new Date(Number(ms)))
}
