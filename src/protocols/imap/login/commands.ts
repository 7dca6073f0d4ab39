import { authenticate } from './authenticate.ts'
import { capability } from './capability.ts'
import type { LoginCommand } from './command.ts'
import { enable } from './enable.ts'
import { id } from './id.ts'
import { login } from './login.ts'
import { logout } from './logout.ts'
import { noop } from './noop.ts'
import { starttls } from './starttls.ts'

/** The commands of the not authenticated state, by name. RFC 3501 §6.1 and §6.2. */
export const loginCommands: ReadonlyMap<string, LoginCommand> = new Map<string, LoginCommand>([
  ['AUTHENTICATE', authenticate],
  ['CAPABILITY', capability],
  ['ENABLE', enable],
  ['ID', id],
  ['LOGIN', login],
  ['LOGOUT', logout],
  ['NOOP', noop],
  ['STARTTLS', starttls],
])
