import { plainCredentials } from '../../plain-credentials.ts'
import type { LoginEnd } from '../../protocol.ts'
import { PLAINTEXT_DISALLOWED } from '../status.ts'
import { concludeAttempt } from './conclude.ts'
import type { LoginDialogue } from './dialogue.ts'

/** USER. RFC 1939 §7. */
export function user(dialogue: LoginDialogue, name: string): undefined {
  if (!mayShowPassword(dialogue)) return dialogue.reply(PLAINTEXT_DISALLOWED)
  dialogue.user = name
  return dialogue.say('+OK')
}

/** PASS: everything behind the blank is the password, blanks included. RFC 1939 §7. */
export async function pass(dialogue: LoginDialogue, password: string): Promise<LoginEnd | undefined> {
  if (dialogue.user === undefined) {
    if (!mayShowPassword(dialogue)) return dialogue.reply(PLAINTEXT_DISALLOWED)
    return dialogue.say('-ERR No username given.')
  }
  const credentials = plainCredentials(dialogue.user, password)
  dialogue.user = undefined
  const verdict = await dialogue.io.attempt(credentials)
  return concludeAttempt(dialogue, 'PASS', verdict)
}

function mayShowPassword({ io }: LoginDialogue): boolean {
  return io.secured || (!io.settings.disable_plaintext_auth && io.settings.ssl !== 'required')
}
