import { checkArgs } from '../passdb/passwd.ts'
import { openSystemUsers } from '../system-users.ts'
import type { UserdbDriver, UserdbReply } from './userdb.ts'

/** `passwd`: uid, gid and home of system accounts. */
export const passwdUserdb = {
  name: 'passwd',
  open(args, { files }) {
    // Dovecot takes override templates here, too; override_fields does the same.
    checkArgs('userdb passwd', args)
    const users = openSystemUsers(files)
    return {
      cacheKey: '%u',
      async lookup(request): Promise<UserdbReply> {
        try {
          const found = await users.user(request.user)
          if (found === undefined) {
            request.logUnknownUser()
            return { kind: 'unknown' }
          }
          const { name, uid, gid, home } = found
          const fields = { user: name, system_groups_user: name, uid: String(uid), gid: String(gid), home }
          return {
            kind: 'found',
            fields: Object.entries(fields).map(([field, value]) => ({ name: field, value, from: 'system account' })),
          }
        } catch (error) {
          return { kind: 'internal-failure', log: error instanceof Error ? error.message : String(error) }
        }
      },
      check: () => Promise.resolve(undefined),
      close: () => Promise.resolve(),
    }
  },
} as const satisfies UserdbDriver
