import type { Secret } from '../util/secret.ts'
import { type SaslAuth, SaslError, type SaslIdentity, type SaslServerIo } from './mechanism.ts'
import { ServerDialogue } from './server-dialogue.ts'

export interface OauthRequest {
  readonly identity: SaslIdentity
  readonly token: Secret
}

/**
 * The server half of both OAuth mechanisms. Every refusal, of a malformed message too, is announced by a challenge with the
 * error in JSON; whatever the client answers, the refusal follows. RFC 7628 §3.2.3.
 */
export async function serveOauth<Verdict>(
  io: SaslServerIo,
  auth: SaslAuth<Verdict>,
  parse: (message: Buffer) => OauthRequest,
  errorFields: Readonly<Record<string, string>>,
): Promise<Verdict> {
  const verdict = await verify(io, auth, parse)
  if (auth.isSuccess(verdict)) return verdict
  const url = io.openidConfigurationUrl
  const fields = url === undefined || url === '' ? errorFields : { ...errorFields, 'openid-configuration': url }
  await io.challenge(Buffer.from(JSON.stringify(fields)))
  return verdict
}

async function verify<Verdict>(
  io: SaslServerIo,
  auth: SaslAuth<Verdict>,
  parse: (message: Buffer) => OauthRequest,
): Promise<Verdict> {
  try {
    const { identity, token } = parse(await new ServerDialogue(io).first())
    return await auth.verifyToken(identity, token)
  } catch (error) {
    if (!(error instanceof SaslError)) throw error
    return await auth.reject({ authcid: '' }, 'malformed', error.message)
  }
}
