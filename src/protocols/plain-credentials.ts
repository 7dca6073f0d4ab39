import { Buffer } from 'node:buffer'
import { SaslAborted } from '../sasl/mechanism.ts'
import { Secret } from '../util/secret.ts'
import type { Credentials } from './protocol.ts'

/** A user name and a password that came in a command of the protocol's own (LOGIN, USER and PASS), as PLAIN. latin1 held. `tag`: of the command. */
export function plainCredentials(user: string, password: string, tag?: string): Credentials {
  return {
    mechanism: 'PLAIN',
    simple: true,
    initial: new Secret(Buffer.from(`\0${user}\0${password}`, 'latin1')),
    tag,
    challenge: noChallenges,
    finish: noChallenges,
  }
}

/** Such a command is one message: there is nobody to answer. */
function noChallenges(): Promise<never> {
  return Promise.reject(new SaslAborted('this command has no challenges'))
}
