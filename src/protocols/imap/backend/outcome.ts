/** What a backend's reply to the login means. The text is what follows the tag: `NO [LIMIT] Too many`. */
import { printable, shown } from '../../backend-line.ts'
import type { BackendReply, BackendWelcome } from '../../protocol.ts'
import { ProxyFailure } from '../../proxy-failure.ts'
import { capabilityCode, hasResponseCode, responseCode } from '../wire/capability-code.ts'

export interface WelcomeContext {
  /** What the backend announced before, if anything. */
  readonly capability: string | undefined
  /** The client asked CAPABILITY before login: it reads untagged lists, and maybe no response codes. */
  readonly asked: boolean
  readonly untagged: readonly string[]
}

/** The lines for a client that is let in; undefined when it is not. Every client learns what the backend can do, one way or the other. */
export function welcome(text: string, { capability, asked, untagged }: WelcomeContext): BackendWelcome | undefined {
  if (!OK.test(text)) return undefined
  const rest = printable(text.slice('OK '.length)) || 'Logged in'
  const before = untagged.map(printable)
  const own = capabilityCode(rest)
  const known = own ?? (capability === undefined ? undefined : printable(capability))
  if (known === undefined) return { untagged: before, lines: [`OK ${rest}`] }
  if (asked) return { untagged: [...before, `* CAPABILITY ${known}`], lines: [`OK ${rest}`] }
  if (own !== undefined) return { untagged: before, lines: [`OK ${rest}`] }
  // A reply has room for one response code; the backend's own one stays.
  if (hasResponseCode(rest)) return { untagged: [...before, `* CAPABILITY ${known}`], lines: [`OK ${rest}`] }
  return { untagged: before, lines: [`OK [CAPABILITY ${known}] ${rest}`] }
}

/** The failure for a reply that is not OK: `[UNAVAILABLE]` may get better, everything else is the user's. */
export function refusal(
  text: string,
  { untagged, oauthDetail }: { readonly untagged: readonly string[]; readonly oauthDetail?: Buffer },
): ProxyFailure {
  const reason = text.startsWith('NO ') ? text.slice('NO '.length) : text
  const temporary = reason !== text && responseCode(reason) === 'UNAVAILABLE'
  const reply: BackendReply = {
    lines: [printable(text)],
    untagged: untagged.map(printable),
    ...(oauthDetail === undefined ? {} : { oauthDetail }),
  }
  return new ProxyFailure(temporary ? 'auth-temp' : 'auth', shown(reason), { reply })
}

const OK = /^OK(?: |$)/i
