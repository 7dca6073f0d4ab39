import type { LoginReply, SessionFeatures } from '../../mail-session.ts'
import { capabilityOf } from './capability.ts'

/** The OK to a login, and what was to be said before it. RFC 3501 §7.1: with the capabilities, which nobody need ask for then. */
export function loggedIn(features: SessionFeatures, { tag, notice }: LoginReply): string {
  return `${notice}${tag} OK [CAPABILITY ${capabilityOf(features)}] Logged in\r\n`
}
