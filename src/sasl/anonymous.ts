import { oneMessageClient } from './client-half.ts'
import { SASL_LIMITS } from './limits.ts'
import type { SaslMechanism } from './mechanism.ts'
import { serve } from './server-dialogue.ts'

/** ANONYMOUS. RFC 4505: a trace for the log instead of a name. */
export const anonymous: SaslMechanism = {
  name: 'ANONYMOUS',
  plaintext: false,
  needs: 'nothing',
  listed: true,
  authenticate: (io, auth) =>
    serve(io, auth, async (dialogue) => {
      const trace = (await dialogue.first()).toString('utf8').replace(/[\p{Cc}\uFFFD]/gu, '?')
      return await auth.anonymous(trace.slice(0, SASL_LIMITS.traceChars))
    }),
  client: () => oneMessageClient(Buffer.alloc(0)),
}
