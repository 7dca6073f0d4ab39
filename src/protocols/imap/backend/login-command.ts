import { ProxyFailure } from '../../proxy-failure.ts'
import { LITERAL_MINUS_BYTES } from '../wire/argument-reader.ts'
import { literal, quoted } from '../wire/argument-writer.ts'
import { needsLiteral } from '../wire/grammar.ts'
import type { LoginMethod } from './login-method.ts'

/** Which non-synchronizing literals the backend takes. RFC 7888. */
export interface LiteralSupport {
  readonly literalPlus: boolean
  readonly literalMinus: boolean
}

/**
 * `L LOGIN user password`, both quoted. What no quoted string can hold goes as a non-synchronizing literal where the backend
 * takes one; otherwise as a synchronizing one, whose bytes wait for the backend's `+`. Throws for NUL, which IMAP cannot say.
 */
export function loginCommand(user: string, password: string, support: LiteralSupport): LoginMethod {
  if (user.includes('\0') || password.includes('\0')) {
    throw new ProxyFailure('internal', 'user name or password has a NUL, which LOGIN cannot send')
  }
  const parts =
    needsLiteral(user) || needsLiteral(password)
      ? splitAtLiterals(['L LOGIN ', user, ' ', password], support)
      : [`L LOGIN ${quoted(user)} ${quoted(password)}`]
  let next = 1
  return {
    state: 'login',
    command: `${parts[0] ?? ''}\r\n`,
    respond: () => parts[next++],
    failureDetail: () => undefined,
  }
}

/** The command cut behind each synchronizing literal's size. */
function splitAtLiterals(
  [start, user, blank, password]: [string, string, string, string],
  support: LiteralSupport,
): string[] {
  const parts: string[] = []
  let part = start
  for (const [before, value] of [
    ['', user],
    [blank, password],
  ] as const) {
    part += before
    if (!needsLiteral(value)) {
      part += quoted(value)
    } else if (support.literalPlus || (support.literalMinus && value.length <= LITERAL_MINUS_BYTES)) {
      part += literal(value)
    } else {
      parts.push(`${part}{${value.length}}`)
      part = value
    }
  }
  parts.push(part)
  return parts
}
