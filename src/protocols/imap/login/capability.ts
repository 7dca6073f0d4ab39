import type { ParsedCommand } from './command.ts'

/** CAPABILITY. RFC 3501 §6.1.1. */
export const capability: ParsedCommand = {
  kind: 'parsed',
  run(dialogue, tag) {
    // Who asks although the greeting said it does not read response codes, and needs the backend's list untagged. After
    // STARTTLS everyone has to ask.
    if (!dialogue.startedTls) dialogue.io.note({ askedCapability: true })
    dialogue.io.stream.write(
      `* CAPABILITY ${dialogue.capability()}\r\n` +
        `${tag} OK Pre-login capabilities listed, post-login capabilities have more.\r\n`,
    )
    return undefined
  },
}
