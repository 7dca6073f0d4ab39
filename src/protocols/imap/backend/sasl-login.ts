import { randomBytes } from 'node:crypto'
import { findMechanism } from '../../../sasl/index.ts'
import { SaslError } from '../../../sasl/mechanism.ts'
import type { SaslClient } from '../../../sasl/mechanism.ts'
import { Secret } from '../../../util/secret.ts'
import type { BackendIo, ProxyTarget } from '../../protocol.ts'
import { ProxyFailure } from '../../proxy-failure.ts'
import { decodeBase64, encodeInitialResponse } from '../../sasl-wire.ts'
import type { LoginMethod } from './login-method.ts'

/** `L AUTHENTICATE MECHANISM`, with the initial response when the backend announced SASL-IR. RFC 3501 §6.2.2, RFC 4959. */
export function saslLogin(io: BackendIo, target: ProxyTarget, mechanism: string, saslIr: boolean): LoginMethod {
  const name = mechanism.toUpperCase()
  const client = saslClient(io, target, name)
  // Sent with the command, or in answer to the first, empty challenge.
  let initial = client.initial()
  const command = `L AUTHENTICATE ${name}${saslIr && initial !== undefined ? ` ${encodeInitialResponse(initial)}` : ''}\r\n`
  if (saslIr) initial = undefined
  return {
    state: 'authenticate',
    command,
    respond(challenge) {
      if (initial === undefined) return answer(client, challenge)
      const first = initial.toString('base64')
      initial = undefined
      return first
    },
    failureDetail: () => client.failureDetail,
  }
}

function saslClient(io: BackendIo, target: ProxyTarget, name: string): SaslClient {
  const mechanism = findMechanism(name)
  if (mechanism?.client === undefined) throw new ProxyFailure('internal', `Unsupported SASL mechanism ${name}`)
  if (target.secret === undefined && mechanism.needs !== 'external' && mechanism.needs !== 'nothing') {
    throw new ProxyFailure('internal', 'password not given')
  }
  return mechanism.client({
    authcid: target.master ?? target.destuser,
    authzid: target.destuser,
    secret: target.secret ?? new Secret(''),
    channelBinding: (type) => io.channelBinding(type),
    randomBytes,
    hostname: target.host,
    service: 'imap',
  })
}

function answer(client: SaslClient, challenge: string): string {
  const data = decodeBase64(challenge)
  if (data === undefined) throw new ProxyFailure('protocol', 'Invalid base64 data in AUTHENTICATE response')
  try {
    return client.respond(data).toString('base64')
  } catch (error) {
    if (!(error instanceof SaslError)) throw error
    throw new ProxyFailure('protocol', `Invalid authentication data: ${error.message}`, { cause: error })
  }
}
