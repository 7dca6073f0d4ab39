import type { ImapCommand } from '../server/command.ts'
import { deleteAcl, getAcl, listRights, myRights, setAcl } from './acl.ts'
import { append } from './append.ts'
import { capability } from './capability.ts'
import { check } from './check.ts'
import { close } from './close.ts'
import { compress } from './compress.ts'
import { copy, move } from './copy.ts'
import { create } from './create.ts'
import { deleteMailbox } from './delete.ts'
import { enable } from './enable.ts'
import { expunge } from './expunge.ts'
import { fetch } from './fetch.ts'
import { id } from './id.ts'
import { idle } from './idle.ts'
import { list, xlist } from './list.ts'
import { logout } from './logout.ts'
import { lsub } from './lsub.ts'
import { namespace } from './namespace.ts'
import { noop } from './noop.ts'
import { getQuota, getQuotaRoot, setQuota } from './quota.ts'
import { rename } from './rename.ts'
import { search } from './search.ts'
import { examine, select } from './select.ts'
import { status } from './status.ts'
import { store } from './store.ts'
import { subscribe, unsubscribe } from './subscribe.ts'
import { unselect } from './unselect.ts'

/** The commands of the authenticated and selected states. RFC 3501 §6.1, §6.3, §6.4, and its extensions. */
const COMMANDS = [
  append,
  capability,
  check,
  close,
  compress,
  copy,
  create,
  deleteAcl,
  deleteMailbox,
  enable,
  examine,
  expunge,
  fetch,
  getAcl,
  getQuota,
  getQuotaRoot,
  id,
  idle,
  list,
  listRights,
  logout,
  lsub,
  move,
  myRights,
  namespace,
  noop,
  rename,
  search,
  select,
  setAcl,
  setQuota,
  status,
  store,
  subscribe,
  unselect,
  unsubscribe,
  xlist,
] as const satisfies readonly ImapCommand[]

/** The same by name. */
export const imapCommands: ReadonlyMap<string, ImapCommand> = new Map(COMMANDS.map((row) => [row.name, row]))
