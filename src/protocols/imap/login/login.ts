import { andThen } from '../../../util/soon.ts'
import { plainCredentials } from '../../plain-credentials.ts'
import type { Argument } from '../wire/argument-reader.ts'
import type { ParsedCommand } from './command.ts'
import { concludeAttempt } from './conclude.ts'

/** LOGIN: PLAIN in another dress, and only where PLAIN is allowed. RFC 3501 §6.2.3. */
export const login: ParsedCommand = {
  kind: 'parsed',
  run(dialogue, tag, args) {
    const [user, password] = args
    if (args.length !== 2 || !isAstring(user) || !isAstring(password)) return 'bad'
    const verdict = dialogue.io.attempt(plainCredentials(user.text, password.text, tag))
    return andThen(verdict, (known) => concludeAttempt(dialogue, tag, 'LOGIN', known))
  },
}

function isAstring(arg: Argument | undefined): arg is Exclude<Argument, { kind: 'list' }> {
  return arg !== undefined && arg.kind !== 'list'
}
