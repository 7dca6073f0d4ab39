import { SaslAborted } from '../../../sasl/mechanism.ts'
import { Secret } from '../../../util/secret.ts'
import type { Argument } from '../wire/argument-reader.ts'
import type { ParsedCommand } from './command.ts'
import { concludeAttempt } from './conclude.ts'

/** LOGIN: PLAIN in another dress, and only where PLAIN is allowed. RFC 3501 §6.2.3. */
export const login: ParsedCommand = {
  kind: 'parsed',
  async run(dialogue, tag, args) {
    const [user, password] = args
    if (args.length !== 2 || !isAstring(user) || !isAstring(password)) return 'bad'
    const initial = new Secret(Buffer.from(`\0${user.text}\0${password.text}`, 'latin1'))
    const verdict = await dialogue.io.attempt({ mechanism: 'PLAIN', initial, challenge: refuse, finish: refuse })
    return concludeAttempt(dialogue, tag, 'LOGIN', verdict)
  },
}

/** LOGIN is one message: there is nobody to answer a challenge. */
function refuse(): Promise<never> {
  return Promise.reject(new SaslAborted('LOGIN has no challenges'))
}

function isAstring(arg: Argument | undefined): arg is Exclude<Argument, { kind: 'list' }> {
  return arg !== undefined && arg.kind !== 'list'
}
