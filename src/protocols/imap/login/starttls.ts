import type { CommandOutcome, ParsedCommand } from './command.ts'
import type { LoginDialogue } from './dialogue.ts'

/** STARTTLS. RFC 3501 §6.2.1. */
export const starttls: ParsedCommand = {
  kind: 'parsed',
  run(dialogue, tag) {
    const { io } = dialogue
    if (io.tlsActive) return dialogue.reply(tag, { untagged: [], status: 'BAD TLS is already active.' })
    if (!io.tlsAvailable) return dialogue.reply(tag, { untagged: [], status: "BAD TLS support isn't enabled." })
    return negotiate(dialogue, tag)
  },
}

async function negotiate(dialogue: LoginDialogue, tag: string): Promise<CommandOutcome> {
  const { io } = dialogue
  // Commands pipelined in clear text must not count as sent under TLS (CVE-2011-0411 and its kin).
  io.stream.takeBuffered()
  io.stream.write(`${tag} OK Begin TLS negotiation now.\r\n`)
  await io.startTls()
  dialogue.startedTls = true
  return undefined
}
