import { Secret } from '../../../util/secret.ts'
import { plainCredentials } from '../../plain-credentials.ts'
import type { LoginEnd } from '../../protocol.ts'
import { concludeAttempt } from './conclude.ts'
import type { LoginDialogue } from './dialogue.ts'

/** APOP: `name digest`, the digest of the greeting's timestamp and the password. RFC 1939 §7. */
export async function apop(dialogue: LoginDialogue, args: string): Promise<LoginEnd | undefined> {
  if (dialogue.apopTimestamp === undefined) return dialogue.say('-ERR APOP not enabled.')
  const [, user, digest] = /^(\S+) ([0-9a-fA-F]{32})$/.exec(args) ?? []
  if (user === undefined || digest === undefined) return dialogue.say('-ERR Invalid parameters.')
  const head = Buffer.from(`${dialogue.apopTimestamp}\0${user}\0`, 'latin1')
  const verdict = await dialogue.io.attempt({
    ...plainCredentials(user, ''),
    mechanism: 'APOP',
    ownCommand: true,
    initial: new Secret(Buffer.concat([head, Buffer.from(digest, 'hex')])),
  })
  return concludeAttempt(dialogue, 'AUTH', verdict)
}
