import { oneMessageClient } from './client-half.ts'
import { SaslError, type SaslMechanism } from './mechanism.ts'
import { identityOf, readName, serve } from './server-dialogue.ts'

/** EXTERNAL. RFC 4422 Appendix A: the client certificate says who it is, the message may say who it wants to be. */
export const external: SaslMechanism = {
  name: 'EXTERNAL',
  plaintext: false,
  needs: 'external',
  listed: true,
  authenticate: (io, auth) =>
    serve(io, auth, async (dialogue) => {
      const authzid = readName(await dialogue.first())
      if (io.certificateUser === undefined) throw new SaslError('username not known')
      dialogue.identity = identityOf(io.certificateUser, authzid)
      return await auth.verifyExternal(dialogue.identity)
    }),
  client: ({ authzid }) => oneMessageClient(Buffer.from(authzid)),
}
