import type { ImapCommand } from '../server/command.ts'
import { capability } from './capability.ts'
import { check } from './check.ts'
import { close } from './close.ts'
import { enable } from './enable.ts'
import { fetch } from './fetch.ts'
import { id } from './id.ts'
import { logout } from './logout.ts'
import { noop } from './noop.ts'
import { examine, select } from './select.ts'
import { unselect } from './unselect.ts'

/** The commands of the authenticated and selected states. RFC 3501 §6.1, §6.3, §6.4, and its extensions. */
const COMMANDS = [
  capability,
  check,
  close,
  enable,
  examine,
  fetch,
  id,
  logout,
  noop,
  select,
  unselect,
] as const satisfies readonly ImapCommand[]

/** The same by name. */
export const imapCommands: ReadonlyMap<string, ImapCommand> = new Map(COMMANDS.map((row) => [row.name, row]))
