import type { ParsedCommand } from './command.ts'

/** LOGOUT. RFC 3501 §6.1.3. */
export const logout: ParsedCommand = {
  kind: 'parsed',
  run(dialogue, tag) {
    dialogue.io.stream.write(`* BYE Logging out\r\n${tag} OK Logout completed.\r\n`)
    return { kind: 'closed', reason: 'Aborted login by logging out' }
  },
}
