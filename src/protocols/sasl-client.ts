/** The proxy's half of a SASL login at a backend, for every protocol that carries it in base64. */
import { randomBytes } from 'node:crypto'
import { findMechanism } from '../sasl/index.ts'
import { SaslError, type SaslClient } from '../sasl/mechanism.ts'
import { Secret } from '../util/secret.ts'
import type { BackendIo, ProxyTarget } from './protocol.ts'
import { ProxyFailure } from './proxy-failure.ts'
import { decodeBase64 } from './sasl-wire.ts'

/** The client half of the target's mechanism, PLAIN by default. Throws a ProxyFailure when it cannot be used. */
export function openSaslClient(
  io: BackendIo,
  target: ProxyTarget,
  service: string,
): { name: string; client: SaslClient } {
  const name = (target.mechanism ?? 'PLAIN').toUpperCase()
  const mechanism = findMechanism(name)
  if (mechanism?.client === undefined) throw new ProxyFailure('internal', `Unsupported SASL mechanism ${name}`)
  if (target.secret === undefined && mechanism.needs !== 'external' && mechanism.needs !== 'nothing') {
    throw new ProxyFailure('internal', 'password not given')
  }
  const client = mechanism.client({
    authcid: target.master ?? target.destuser,
    authzid: target.destuser,
    secret: target.secret ?? new Secret(''),
    channelBinding: (type) => io.channelBinding(type),
    randomBytes,
    hostname: target.host,
    service,
  })
  return { name, client }
}

const CHALLENGE_WORDS = { noBase64: 'Invalid base64 data in AUTH response', nonsense: 'Invalid authentication data' }

/** The base64 answer to a base64 challenge. Throws a ProxyFailure, in these words, when the challenge makes no sense. */
export function answerChallenge(client: SaslClient, challenge: string, words = CHALLENGE_WORDS): string {
  const data = decodeBase64(challenge)
  if (data === undefined) throw new ProxyFailure('protocol', words.noBase64)
  try {
    return client.respond(data).toString('base64')
  } catch (error) {
    if (!(error instanceof SaslError)) throw error
    throw new ProxyFailure('protocol', `${words.nonsense}: ${error.message}`, { cause: error })
  }
}
