import { type AuthServer, createAuthServer } from '../auth/server/auth-server.ts'
import type { Observer } from '../observe/events.ts'
import { systemClock } from './auth-needs.ts'
import type { Generation } from './generation.ts'

/** Answers mail servers on the sockets of `service auth`. `generation` is asked at each request. */
export function openAuthServer(
  observer: Observer,
  generation: () => Pick<Generation, 'auth' | 'config' | 'environment'>,
): AuthServer {
  return createAuthServer({
    observer,
    clock: systemClock,
    auth: () => generation().auth,
    verbose(service) {
      const settings = generation().config.settings({ protocol: service })
      return settings.auth_verbose || settings.auth_debug || settings.auth_debug_passwords
    },
    debug() {
      const { auth_debug: debug, auth_debug_passwords: passwords } = generation().config.settings({})
      return passwords ? 'secrets' : debug ? 'hidden' : 'none'
    },
    maxConnections: () => generation().environment.maxConnections('auth'),
  })
}
