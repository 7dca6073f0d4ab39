import { type Command, CommandUsageError, SOCKET_OPTION } from './command.ts'

/** `stop`: like SIGTERM; returns when the server is gone. */
export const stop: Command = {
  name: 'stop',
  usage: '',
  summary: 'Stop the server politely, and wait until it has.',
  options: [SOCKET_OPTION],
  async run(call) {
    if (call.words.length > 0) throw new CommandUsageError(`Extraneous arguments found: ${call.words.join(' ')}`)
    return (await call.ask({ command: 'stop', input: null })).status
  },
}
