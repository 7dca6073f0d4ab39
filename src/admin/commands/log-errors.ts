import { compileStrftime } from '../../observe/strftime.ts'
import { sentencePrinter } from '../output/sentence.ts'
import type { Column } from '../output/printer.ts'
import { type Command, CommandUsageError, SOCKET_OPTION } from './command.ts'

const COLUMNS: readonly Column[] = [
  { key: 'timestamp', title: 'timestamp' },
  { key: 'prefix', title: 'prefix' },
  { key: 'type', title: 'type' },
  { key: 'text', title: 'text', expand: true },
]

/** `log errors`: the newest warnings and errors, without looking for the log file. */
export const logErrors: Command = {
  name: 'log errors',
  usage: '[-s <min_timestamp>]',
  summary: 'Show the newest warnings and errors.',
  details: ['Every process remembers its last 1000. Those of a worker that died are only in the log.'],
  options: [
    { letter: 's', value: 'min_timestamp', doc: 'Only those since this time (seconds since 1970).' },
    SOCKET_OPTION,
  ],
  columns: COLUMNS,
  async run(call) {
    if (call.words.length > 0) throw new CommandUsageError(`Extraneous arguments found: ${call.words.join(' ')}`)
    const since = Number(call.value('s') ?? 0)
    const printer = call.out.open(COLUMNS, line)
    const { status } = await call.ask(
      { command: 'log-errors', input: null },
      ({ timeMs, prefix = '', type = '', text = '' }) => {
        const at = Number(timeMs ?? 0)
        if (!(at < since * 1000)) printer.row([format(new Date(at)), prefix, type, text])
      },
    )
    printer.end()
    return status
  },
}

const format = compileStrftime('%b %d %H:%M:%S')
const line = sentencePrinter(([timestamp, prefix, type, text]) => `${timestamp} ${type}: ${prefix}: ${text}\n`)
