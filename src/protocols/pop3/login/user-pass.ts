import { plainCredentials } from '../../plain-credentials.ts'
import type { LoginEnd } from '../../protocol.ts'
import { concludeAttempt } from './conclude.ts'
import type { LoginDialogue } from './dialogue.ts'

/** USER. RFC 1939 §7. */
export async function user(dialogue: LoginDialogue, name: string): Promise<LoginEnd | undefined> {
  if (!mayShowPassword(dialogue)) return await refused(dialogue, name)
  dialogue.user = name
  return dialogue.say('+OK')
}

/** PASS: everything behind the blank is the password, blanks included. RFC 1939 §7. */
export async function pass(dialogue: LoginDialogue, password: string): Promise<LoginEnd | undefined> {
  if (dialogue.user === undefined) {
    if (!mayShowPassword(dialogue)) return await refused(dialogue, '')
    return dialogue.say('-ERR No username given.')
  }
  const credentials = plainCredentials(dialogue.user, password)
  dialogue.user = undefined
  const verdict = await dialogue.io.attempt(credentials)
  return concludeAttempt(dialogue, 'PASS', verdict)
}

/** Tried all the same: that is how the log learns of it. */
async function refused(dialogue: LoginDialogue, name: string): Promise<LoginEnd | undefined> {
  return concludeAttempt(dialogue, 'PASS', await dialogue.io.attempt(plainCredentials(name, '')))
}

function mayShowPassword({ io }: LoginDialogue): boolean {
  return io.secured || (!io.settings.disable_plaintext_auth && io.settings.ssl !== 'required')
}
