import { openSystemUsers } from '../system-users.ts'
import { checkArgs, replyFor } from './passwd.ts'
import type { Passdb, PassdbDriver } from './passdb.ts'

const DAY_MS = 86_400_000

/** `shadow`: system accounts by the shadow file, which only root may read. */
export const shadowPassdb = {
  name: 'shadow',
  open(args, { files, clock }): Passdb {
    checkArgs('passdb shadow', args)
    const users = openSystemUsers(files)
    return {
      defaultScheme: 'CRYPT',
      cacheKey: '%u',
      async lookup(request) {
        try {
          const found = await users.shadow(request.user)
          // Without the right to read them all users are unknown, which is an outage.
          if (found === undefined && process.geteuid?.() !== 0)
            return { kind: 'internal-failure', log: 'the shadow file cannot be read: only root may' }
          const isExpired = found?.expiresDay !== undefined && found.expiresDay * DAY_MS <= clock.now()
          return replyFor(request, isExpired && found !== undefined ? { ...found, password: '!' } : found)
        } catch (error) {
          return { kind: 'internal-failure', log: error instanceof Error ? error.message : String(error) }
        }
      },
      check: () => Promise.resolve(process.geteuid?.() === 0 ? undefined : 'only root may read the shadow file'),
      close: () => Promise.resolve(),
    }
  },
} as const satisfies PassdbDriver
