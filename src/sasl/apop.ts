import { createHash, timingSafeEqual } from 'node:crypto'
import { SaslError, type SaslMechanism } from './mechanism.ts'
import { readName, serve } from './server-dialogue.ts'

const DIGEST_BYTES = 16

/**
 * APOP (RFC 1939 §7) as a mechanism of POP3's own: the initial response is `timestamp NUL user NUL digest`, the digest in 16
 * bytes. Never listed.
 */
export const apop: SaslMechanism = {
  name: 'APOP',
  plaintext: false,
  needs: 'credentials',
  listed: false,
  authenticate: (io, auth) =>
    serve(io, auth, async (dialogue) => {
      const { timestamp, user, digest } = parse(io.initial ?? Buffer.alloc(0))
      dialogue.identity = { authcid: readName(user) }
      const found = await auth.lookupCredentials(dialogue.identity, ['PLAIN'])
      if (found.kind === 'refused') return found.verdict
      const expected = createHash('md5').update(timestamp).update(found.credentials.text).digest()
      const isRight = timingSafeEqual(digest, expected)
      return isRight ? await auth.accept(dialogue.identity) : await auth.reject(dialogue.identity, 'wrong-proof')
    }),
}

function parse(message: Buffer): { readonly timestamp: Buffer; readonly user: Buffer; readonly digest: Buffer } {
  const first = message.indexOf(0)
  const second = first < 0 ? -1 : message.indexOf(0, first + 1)
  if (second < 0 || message.length !== second + 1 + DIGEST_BYTES) throw new SaslError('invalid APOP input')
  return {
    timestamp: message.subarray(0, first),
    user: message.subarray(first + 1, second),
    digest: message.subarray(second + 1),
  }
}
