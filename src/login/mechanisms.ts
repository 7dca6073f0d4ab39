import type { AuthRefusal, AuthService } from '../auth/auth.ts'
import type { Settings } from '../config/config.ts'
import type { ProtocolName } from '../protocols/protocol.ts'

type Mechanisms = AuthService['mechanisms']
type Policy = Pick<Settings, 'ssl' | 'disable_plaintext_auth'>

interface Names {
  readonly all: readonly string[]
  readonly hidingPassword: readonly string[]
}

const NONE: readonly string[] = []
const names = {
  anybody: { binding: new WeakMap<Mechanisms, Names>(), plain: new WeakMap<Mechanisms, Names>() },
  somebody: { binding: new WeakMap<Mechanisms, Names>(), plain: new WeakMap<Mechanisms, Names>() },
} as const

/** Where users must be somebody: ANONYMOUS is no mechanism there, whatever `auth_mechanisms` says, as in Dovecot. */
const SOMEBODY: ReadonlySet<ProtocolName> = new Set(['submission', 'sieve'])

/**
 * The mechanisms to list on a connection: those that would show a password are left out where they would be refused, and
 * those that bind to the TLS connection (`-PLUS`, RFC 5802) where there is none to bind to.
 */
export function offeredMechanisms(
  mechanisms: Mechanisms,
  settings: Policy,
  secured: boolean,
  protocol: ProtocolName,
  binds = false,
): readonly string[] {
  const { all, hidingPassword } = namesOf(mechanisms, protocol, binds)
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
  protocol: ProtocolName,
  name: string,
): AuthRefusal | undefined {
  if (!secured && settings.ssl === 'required') return { kind: 'tls-required' }
  if (mechanisms === undefined) return undefined
  const mechanism = mechanisms.find((known) => known.name === name)
  if (mechanism === undefined || isNobodys(name, protocol)) return { kind: 'unsupported-mechanism' }
  return !secured && settings.disable_plaintext_auth && mechanism.plaintext ? { kind: 'plaintext-disabled' } : undefined
}

function isNobodys(name: string, protocol: ProtocolName): boolean {
  return name === 'ANONYMOUS' && SOMEBODY.has(protocol)
}

function namesOf(mechanisms: Mechanisms, protocol: ProtocolName, binds: boolean): Names {
  const { binding, plain } = SOMEBODY.has(protocol) ? names.somebody : names.anybody
  const kept = binds ? binding : plain
  const known = kept.get(mechanisms)
  if (known !== undefined) return known
  const usable = mechanisms.filter(({ name }) => (binds || !name.endsWith('-PLUS')) && !isNobodys(name, protocol))
  const made = {
    all: usable.map(({ name }) => name),
    hidingPassword: usable.filter(({ plaintext }) => !plaintext).map(({ name }) => name),
  }
  kept.set(mechanisms, made)
  return made
}
