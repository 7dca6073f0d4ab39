import { type Command, CommandUsageError, EXIT, SOCKET_OPTION } from './command.ts'

/** `reload`: like SIGHUP, and says what came of it. */
export const reload: Command = {
  name: 'reload',
  usage: '',
  summary: 'Load the configuration again; sessions go on.',
  details: [
    'Waits until every worker has the new configuration, and prints what is to complain about it. With an error in it, or when one worker cannot take it, all keep the old one.',
  ],
  options: [SOCKET_OPTION],
  statuses: [[EXIT.config, 'The new configuration was not taken.']],
  async run(call) {
    if (call.words.length > 0) throw new CommandUsageError(`Extraneous arguments found: ${call.words.join(' ')}`)
    const { status } = await call.ask({ command: 'reload', input: null }, ({ severity = '', text = '' }) =>
      call.out.complain(text, severity),
    )
    return status
  },
}
