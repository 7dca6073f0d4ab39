import { acceptTls } from '../../converse.ts'
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
  await acceptTls(dialogue.io, `${tag} OK Begin TLS negotiation now.`)
  dialogue.startedTls = true
  return undefined
}
