import { retainClientId } from '../client-id.ts'
import { forwardedIdentity } from '../forwarded.ts'
import { idLogLine } from '../id-log.ts'
import { serverId } from '../server-id.ts'
import { readIdParameters } from '../wire/id-parameters.ts'
import type { IdPair } from '../wire/id-parameters.ts'
import type { ParsedCommand } from './command.ts'
import type { LoginDialogue } from './dialogue.ts'
import { LOGIN_LIMITS } from './dialogue.ts'

/** ID: who the client is; from a trusted proxy also who its client is. RFC 2971. */
export const id: ParsedCommand = {
  kind: 'parsed',
  limits: { commandBytes: LOGIN_LIMITS.longCommandBytes, lists: 8 },
  run(dialogue, tag, args) {
    const pairs = readIdParameters(args)
    if (pairs === undefined) return dialogue.reply(tag, { untagged: [], status: 'BAD Invalid ID parameters' })
    learn(dialogue, pairs)
    dialogue.io.stream.write(`* ID ${serverId(dialogue.io.settings)}\r\n${tag} OK ID completed.\r\n`)
    return undefined
  },
}

function learn(dialogue: LoginDialogue, pairs: readonly IdPair[]): void {
  const { io } = dialogue
  if (io.settings.imap_id_retain) io.note({ clientId: retainClientId(pairs) })
  if (dialogue.sawId) return
  dialogue.sawId = true
  // Before logging: the line then carries the addresses and the session that were forwarded.
  if (io.trusted) {
    const update = forwardedIdentity(pairs)
    if (update !== undefined) io.forwarded(update)
  }
  const line = idLogLine(io.settings.imap_id_log, pairs)
  if (line !== undefined) io.log(line)
}
