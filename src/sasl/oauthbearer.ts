import { type SaslMechanism, SaslError } from './mechanism.ts'
import { bearerToken, OauthClient, SEPARATOR } from './oauth-message.ts'
import { type OauthRequest, serveOauth } from './oauth-server.ts'
import { escapeName, unescapeName } from './scram-message.ts'
import { readName } from './server-dialogue.ts'

/** OAUTHBEARER. RFC 7628: `n,a=user,^Aauth=Bearer token^A^A`. */
export const oauthbearer: SaslMechanism = {
  name: 'OAUTHBEARER',
  // Whoever sees a token can use it.
  plaintext: true,
  needs: 'token',
  listed: true,
  authenticate: (io, auth) => serveOauth(io, auth, parse, { status: 'invalid_token' }),
  client: ({ authzid, secret }) => {
    const head = `n,a=${escapeName(authzid)},${SEPARATOR}auth=Bearer `
    const message = Buffer.concat([Buffer.from(head), secret.reveal(), Buffer.from(SEPARATOR.repeat(2))])
    return new OauthClient(message, Buffer.from(SEPARATOR))
  },
}

function parse(message: Buffer): OauthRequest {
  const [header = '', ...fields] = message.toString('latin1').split(SEPARATOR)
  if (header === '') throw new SaslError('Invalid continued data')
  const user = parseHeader(header)
  const token = bearerToken(fields)
  if (user === undefined || token === undefined) throw new SaslError('Missing username or token')
  return { identity: { authcid: readName(Buffer.from(user, 'latin1')) }, token }
}

/** gs2-header (RFC 5801 §4); the texts are Dovecot's. */
function parseHeader(header: string): string | undefined {
  let user: string | undefined
  for (const part of header.split(',').filter((text) => text !== '')) {
    if (part.startsWith('f')) throw new SaslError('Client requested non-standard mechanism')
    if (part.startsWith('p')) throw new SaslError('Client requested and used channel-binding')
    if (part === 'n' || part === 'y') continue
    if (!part.startsWith('a')) throw new SaslError('Invalid gs2-header in request')
    if (!part.startsWith('a=')) throw new SaslError('Invalid username escaping')
    user = unescapeName(part.slice(2), 'Invalid username escaping')
  }
  return user
}
