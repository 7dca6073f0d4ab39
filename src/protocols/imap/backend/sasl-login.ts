import type { BackendIo, ProxyTarget } from '../../protocol.ts'
import { answerChallenge, openSaslClient } from '../../sasl-client.ts'
import { encodeInitialResponse } from '../../sasl-wire.ts'
import type { LoginMethod } from './login-method.ts'

/** `L AUTHENTICATE MECHANISM`, with the initial response when the backend announced SASL-IR. RFC 3501 §6.2.2, RFC 4959. */
export function saslLogin(io: BackendIo, target: ProxyTarget, saslIr: boolean): LoginMethod {
  const { name, client } = openSaslClient(io, target, 'imap')
  // Sent with the command, or in answer to the first, empty challenge.
  let initial = client.initial()
  const response = saslIr && initial !== undefined ? ` ${encodeInitialResponse(initial)}` : ''
  if (saslIr || client.skipsInitial === true) initial = undefined
  return {
    state: 'authenticate',
    command: `L AUTHENTICATE ${name}${response}\r\n`,
    respond(challenge) {
      if (initial === undefined) return answerChallenge(client, challenge, CHALLENGE_WORDS)
      const first = initial.toString('base64')
      initial = undefined
      return first
    },
    failureDetail: () => client.failureDetail,
  }
}

const CHALLENGE_WORDS = {
  noBase64: 'Invalid base64 data in AUTHENTICATE response',
  nonsense: 'Invalid authentication data',
}
