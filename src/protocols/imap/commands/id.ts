import { idLogLine } from '../id-log.ts'
import { command } from '../server/command.ts'
import { serverId } from '../server-id.ts'
import { readIdParameters } from '../wire/id-parameters.ts'

/** ID: who are you? RFC 2971. What is no parameter list is answered all the same, as in Dovecot. */
export const id = command({
  name: 'ID',
  needs: 'authenticated',
  parse: (args) => readIdParameters(args.rest()) ?? [],
  run(session, pairs) {
    const { settings } = session.mail
    const line = session.loggedId ? undefined : idLogLine(settings.imap_id_log, pairs)
    session.loggedId = true
    if (line !== undefined) session.mail.log('info', line)
    session.out.text(`* ID ${serverId(settings)}\r\n`)
    return { text: 'OK ID completed' }
  },
})
