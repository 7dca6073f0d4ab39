import { anonymous } from './anonymous.ts'
import { apop } from './apop.ts'
import { cramMd5 } from './cram-md5.ts'
import { digestMd5 } from './digest-md5.ts'
import { external } from './external.ts'
import { login } from './login.ts'
import type { SaslMechanism } from './mechanism.ts'
import { oauthbearer } from './oauthbearer.ts'
import { plain } from './plain.ts'
import { scramMechanisms } from './scram.ts'
import { xoauth2 } from './xoauth2.ts'

/** Every mechanism there is. */
export const mechanisms: readonly SaslMechanism[] = [
  plain,
  login,
  cramMd5,
  digestMd5,
  ...scramMechanisms,
  oauthbearer,
  xoauth2,
  external,
  anonymous,
  apop,
]

const byName: ReadonlyMap<string, SaslMechanism> = new Map(mechanisms.map((mechanism) => [mechanism.name, mechanism]))

/** A mechanism by name, in any case. */
export function findMechanism(name: string): SaslMechanism | undefined {
  return byName.get(name.toUpperCase())
}
