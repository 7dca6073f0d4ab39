import { Secret } from '../../../util/secret.ts'
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
  const initial = new Secret(Buffer.from(`\0${dialogue.user}\0${password}`, 'latin1'))
  dialogue.user = undefined
  const verdict = await dialogue.io.attempt({
    mechanism: 'PLAIN',
    initial,
    challenge: async () => await Promise.reject(new Error('PLAIN has no challenge after an initial response')),
    finish: async () => {},
  })
  return concludeAttempt(dialogue, 'PASS', verdict)
}

function mayShowPassword({ io }: LoginDialogue): boolean {
  return io.secured || (!io.settings.disable_plaintext_auth && io.settings.ssl !== 'required')
}
