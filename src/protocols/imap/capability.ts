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
  const variants = variantsOf(settings)
  for (const variant of variants) {
    if (variant.starttls === state.starttls && variant.mechanisms === state.mechanisms) return variant.capability
  }
  const capability = compose(settings, state)
  // The same list every time, for each of a handful of kinds of connections. Should somebody make one anew each time,
  // that is no reason to keep them all.
  if (variants.length === MAX_VARIANTS) variants.length = 0
  variants.push({ ...state, capability })
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

interface Variant extends CapabilityState {
  readonly capability: string
}

const MAX_VARIANTS = 16

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
