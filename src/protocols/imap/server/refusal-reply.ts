import { assertNever } from '../../../util/assert-never.ts'
import type { RefusalCode, StoreRefusal } from '../../../storage/refusal.ts'
import { encodeLine } from '../../wire-text.ts'

/** What `not-found` is called where it matters: RFC 3501 §6.3.11 TRYCREATE, RFC 5530 NONEXISTENT. */
export type NotFoundCode = 'TRYCREATE' | 'NONEXISTENT'

/** The NO for something the store refused: its text behind a response code, unless it brings one. */
export function refusalReply({ code, message }: StoreRefusal, notFound: NotFoundCode | undefined): string {
  const text = encodeLine(message).replace(/\.$/, '')
  const responseCode = text.startsWith('[') ? undefined : codeOf(code, notFound)
  return responseCode === undefined ? `NO ${text}` : `NO [${responseCode}] ${text}`
}

/** RFC 5530. */
function codeOf(code: RefusalCode, notFound: NotFoundCode | undefined): string | undefined {
  switch (code) {
    case 'not-found':
      return notFound
    case 'exists':
      return 'ALREADYEXISTS'
    case 'invalid-name':
    case 'cannot':
      return 'CANNOT'
    case 'limit':
      return 'LIMIT'
    case 'no-permission':
      return 'NOPERM'
    case 'over-quota':
      return 'OVERQUOTA'
    case 'read-only':
    case 'has-children':
      return undefined
    case 'expunged':
      return 'EXPUNGEISSUED'
    case 'in-use':
      return 'INUSE'
    case 'temporary':
      return 'SERVERBUG'
    default:
      return assertNever(code)
  }
}
