import { Secret } from '../util/secret.ts'
import { andThen } from '../util/soon.ts'
import { oneMessageClient } from './client-half.ts'
import { type SaslMechanism, SaslError } from './mechanism.ts'
import { identityOf, readName, serve } from './server-dialogue.ts'

/** PLAIN. RFC 4616: `[authzid] NUL authcid NUL password`. */
export const plain: SaslMechanism = {
  name: 'PLAIN',
  plaintext: true,
  needs: 'verify',
  listed: true,
  authenticate: (io, auth) =>
    serve(io, auth, (dialogue) =>
      andThen(dialogue.first(), (message) => {
        const { authzid, authcid, password } = parse(message)
        dialogue.identity = identityOf(readName(authcid), readName(authzid))
        return auth.verifyPlain(dialogue.identity, new Secret(password))
      }),
    ),
  // Always with an authzid, as Dovecot's proxy sends it.
  client: ({ authcid, authzid, secret }) =>
    oneMessageClient(Buffer.concat([Buffer.from(`${authzid}\0${authcid}\0`), secret.reveal()])),
}

function parse(message: Buffer): { readonly authzid: Buffer; readonly authcid: Buffer; readonly password: Buffer } {
  const first = nextNul(message, 0)
  const second = nextNul(message, first + 1)
  if (second >= message.length || nextNul(message, second + 1) < message.length) throw new SaslError('invalid input')
  return {
    authzid: message.subarray(0, first),
    authcid: message.subarray(first + 1, second),
    password: message.subarray(second + 1),
  }
}

/** Where the next NUL is, not before the end when there is none. In so few bytes that takes less than a call of indexOf. */
function nextNul(message: Buffer, from: number): number {
  let at = from
  while (at < message.length && message[at] !== 0) at++
  return at
}
