import type { AuthRefusal, AuthService } from '../auth/auth.ts'
import type { Settings } from '../config/config.ts'

type Mechanisms = AuthService['mechanisms']
type Policy = Pick<Settings, 'ssl' | 'disable_plaintext_auth'>

interface Names {
  readonly all: readonly string[]
  readonly hidingPassword: readonly string[]
}

const NONE: readonly string[] = []
const names = new WeakMap<Mechanisms, Names>()

/** The mechanisms to list on a connection: those that would show a password are left out where they would be refused. */
export function offeredMechanisms(mechanisms: Mechanisms, settings: Policy, secured: boolean): readonly string[] {
  const { all, hidingPassword } = namesOf(mechanisms)
  if (secured) return all
  if (settings.ssl === 'required') return NONE
  return settings.disable_plaintext_auth ? hidingPassword : all
}

/**
 * Why this mechanism may not even be tried here. Without a list it stands for a command of the protocol's own (APOP), which
 * shows no password; whether it is enabled the auth service knows.
 */
export function refuseMechanism(
  mechanisms: Mechanisms | undefined,
  settings: Policy,
  secured: boolean,
  name: string,
): AuthRefusal | undefined {
  if (!secured && settings.ssl === 'required') return { kind: 'tls-required' }
  if (mechanisms === undefined) return undefined
  const mechanism = mechanisms.find((known) => known.name === name)
  if (mechanism === undefined) return { kind: 'unsupported-mechanism' }
  return !secured && settings.disable_plaintext_auth && mechanism.plaintext ? { kind: 'plaintext-disabled' } : undefined
}

function namesOf(mechanisms: Mechanisms): Names {
  const known = names.get(mechanisms)
  if (known !== undefined) return known
  const made = {
    all: mechanisms.map(({ name }) => name),
    hidingPassword: mechanisms.filter(({ plaintext }) => !plaintext).map(({ name }) => name),
  }
  names.set(mechanisms, made)
  return made
}
