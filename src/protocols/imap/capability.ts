import type { Settings } from '../../config/config.ts'

/** The settings that decide what is announced. */
export type CapabilitySettings = Pick<Settings, 'imap_capability' | 'imap_literal_minus'>

/** What is announced depends on the connection too. */
export interface CapabilityState {
  /** STARTTLS is possible and TLS is not up. */
  readonly starttls: boolean
  /** Mechanisms to list, in order. */
  readonly mechanisms: readonly string[]
}

/**
 * The pre-login capability list, without `CAPABILITY`. `imap_capability` replaces the built-in part, or adds to it when it
 * starts with `+`; STARTTLS, LOGINDISABLED and the mechanisms follow by themselves.
 */
export function preLoginCapability(settings: CapabilitySettings, state: CapabilityState): string {
  const mechanisms = state.mechanisms.join(' ')
  const variants = variantsOf(settings)
  const known = variants.find((variant) => variant.starttls === state.starttls && variant.mechanisms === mechanisms)
  if (known !== undefined) return known.capability
  const capability = compose(settings, state)
  // A passdb's or an administrator's doing, never a stranger's: a handful at most.
  variants.push({ starttls: state.starttls, mechanisms, capability })
  return capability
}

/** The part that does not depend on the connection. */
export function staticCapability(settings: CapabilitySettings): string {
  const literal = settings.imap_literal_minus ? 'LITERAL-' : 'LITERAL+'
  const own = settings.imap_capability
  if (own === '') return `${BUILT_IN} ${literal}`
  if (own.startsWith('+')) return `${BUILT_IN} ${words(own.slice(1))} ${literal}`
  return words(own)
}

interface Variant {
  readonly starttls: boolean
  readonly mechanisms: string
  readonly capability: string
}

const BUILT_IN = 'IMAP4rev1 SASL-IR LOGIN-REFERRALS ID ENABLE IDLE'

/** Settings objects live as long as their configuration and are shared by its connections. */
const cache = new WeakMap<CapabilitySettings, Variant[]>()

function variantsOf(settings: CapabilitySettings): Variant[] {
  let variants = cache.get(settings)
  if (variants === undefined) cache.set(settings, (variants = []))
  return variants
}

function compose(settings: CapabilitySettings, state: CapabilityState): string {
  const parts = [staticCapability(settings)]
  if (state.starttls) parts.push('STARTTLS')
  // LOGIN is PLAIN in another dress: where PLAIN is hidden or not enabled, LOGIN is disabled.
  if (!state.mechanisms.includes('PLAIN')) parts.push('LOGINDISABLED')
  for (const mechanism of state.mechanisms) parts.push(`AUTH=${mechanism}`)
  return parts.join(' ')
}

function words(text: string): string {
  return text.trim().replace(/\s+/g, ' ')
}
