import type { AuthNeeds } from '../auth/needs.ts'
import { passdbDrivers } from '../auth/passdb/index.ts'
import type { AuthServiceInput } from '../auth/service.ts'
import { userdbDrivers } from '../auth/userdb/index.ts'
import type { Config, ConfigFiles } from '../config/config.ts'
import type { Observer } from '../observe/events.ts'
import { findMechanism } from '../sasl/index.ts'
import { systemAuthNeeds } from './auth-needs.ts'

/** What workers know together. */
export type SharedNeeds = Pick<AuthNeeds, 'penalties' | 'revocations' | 'passwords'>

/** What the auth service of a configuration is opened with, in a worker and in commands alike. */
export function authServiceInput(
  config: Config,
  configFiles: ConfigFiles,
  observer: Observer,
  hostname: string,
  shared: SharedNeeds = {},
): AuthServiceInput {
  return {
    config,
    configFiles,
    needs: { ...systemAuthNeeds(observer, hostname), ...sharedOf(shared) },
    passdbDrivers,
    userdbDrivers,
    findMechanism,
  }
}

/** What this process knows together with others: none of it in commands. */
function sharedOf({ penalties, revocations, passwords }: SharedNeeds): SharedNeeds {
  return { ...(penalties && { penalties }), ...(revocations && { revocations }), ...(passwords && { passwords }) }
}
