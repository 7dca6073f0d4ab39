import { DatabaseConfigError, type Passdb, type PassdbDriver, type PassdbReply } from './passdb.ts'
import { openSystemUsers } from '../system-users.ts'

/** `passwd`: system accounts whose hash is in /etc/passwd or another source of nsswitch.conf. */
export const passwdPassdb = {
  name: 'passwd',
  open(args, { files }): Passdb {
    checkArgs('passdb passwd', args)
    const users = openSystemUsers(files)
    return {
      defaultScheme: 'CRYPT',
      cacheKey: '%u',
      async lookup(request) {
        try {
          const found = await users.user(request.user)
          return replyFor(request, found)
        } catch (error) {
          return { kind: 'internal-failure', log: error instanceof Error ? error.message : String(error) }
        }
      },
      check: () => Promise.resolve(undefined),
      close: () => Promise.resolve(),
    }
  },
} as const satisfies PassdbDriver

/** `blocking=` decides between processes in Dovecot; nothing blocks here. Throws DatabaseConfigError. */
export function checkArgs(part: string, args: string): void {
  if (!/^ *(blocking=(yes|no) *)?$/.test(args)) throw new DatabaseConfigError(`${part}: Unknown setting: ${args}`)
}

/** An account with a hash that no password has (`*`, `!...`, empty) cannot log in. */
export function replyFor(
  request: Parameters<NonNullable<Passdb['lookup']>>[0],
  found: { readonly name: string; readonly password: string } | undefined,
): PassdbReply {
  if (found === undefined) {
    request.logUnknownUser()
    return { kind: 'unknown' }
  }
  const from = 'system account'
  if (/^($|[*!])/.test(found.password)) {
    request.logDatabase('info', 'invalid password field')
    // It matches nothing; an empty one would match an empty password.
    return { kind: 'found', fields: [{ name: 'password', value: '{CRYPT}*', from }] }
  }
  return {
    kind: 'found',
    fields: [
      { name: 'password', value: found.password, from },
      { name: 'user', value: found.name, from },
    ],
  }
}
