import { type SaslMechanism, SaslError } from './mechanism.ts'
import { bearerToken, OauthClient, SEPARATOR } from './oauth-message.ts'
import { type OauthRequest, serveOauth } from './oauth-server.ts'
import { readName } from './server-dialogue.ts'

/** XOAUTH2, Google's predecessor of OAUTHBEARER: `user=name^Aauth=Bearer token^A^A`. */
export const xoauth2: SaslMechanism = {
  name: 'XOAUTH2',
  plaintext: true,
  needs: 'token',
  listed: true,
  authenticate: (io, auth) => serveOauth(io, auth, parse, { status: '401', schemes: 'bearer', scope: 'mail' }),
  client: ({ authzid, secret }) => {
    const head = `user=${authzid}${SEPARATOR}auth=Bearer `
    const message = Buffer.concat([Buffer.from(head), secret.reveal(), Buffer.from(SEPARATOR.repeat(2))])
    return new OauthClient(message, Buffer.alloc(0))
  },
}

function parse(message: Buffer): OauthRequest {
  const fields = message.toString('latin1').split(SEPARATOR)
  const user = fields.findLast((field) => field.startsWith('user='))?.slice('user='.length)
  const token = bearerToken(fields)
  if (user === undefined || token === undefined) throw new SaslError('Username or token missing')
  return { identity: { authcid: readName(Buffer.from(user, 'latin1')) }, token }
}
