import { hostname as systemHostname } from 'node:os'
import type { AuthService } from '../auth/auth.ts'
import { AuthConfigError } from '../auth/needs.ts'
import { openAuthService } from '../auth/service.ts'
import { type Complaint, describeComplaint } from '../config/complaint.ts'
import type { Config } from '../config/config.ts'
import { loadConfig } from '../config/load.ts'
import type { Observer } from '../observe/events.ts'
import { authServiceInput } from './auth-service-input.ts'
import { systemFiles } from './config-files.ts'

/** A configuration and its databases, opened by a command: no server need run. */
export interface LocalAuth {
  readonly config: Config
  readonly auth: AuthService
  /** Our name for backends. */
  readonly hostname: string
}

/** The configuration has errors; one line each. */
export class ConfigUnusable extends Error {
  override readonly name = 'ConfigUnusable'

  constructor(complaints: readonly Complaint[]) {
    super(complaints.map(describeComplaint).join('\n'))
  }
}

/** Opens them. Rejects with ConfigUnusable. */
export async function openLocalAuth(
  path: string,
  overrides: readonly string[],
  observer: Observer,
): Promise<LocalAuth> {
  const files = systemFiles()
  const { config, complaints } = loadConfig({ path, files, overrides, hostname: systemHostname() })
  if (config === undefined) throw new ConfigUnusable(complaints.filter(({ severity }) => severity === 'error'))
  const hostname = config.settings({}).hostname || systemHostname()
  try {
    const auth = await openAuthService(authServiceInput(config, files, observer, hostname))
    return { config, auth, hostname }
  } catch (error) {
    if (error instanceof AuthConfigError) throw new ConfigUnusable(error.complaints)
    throw error
  }
}
