import { aclAdd, aclDebug, aclDelete, aclGet, aclRecalc, aclRemove, aclRights, aclSet } from './mail/acl.ts'
import { aclDiff, aclExplain, aclVerify, aclWhat, aclWho } from './mail/acl-insight.ts'
import { authCacheFlush } from './auth-cache-flush.ts'
import { authLookup } from './auth-lookup.ts'
import { authTest } from './auth-test.ts'
import type { Command } from './command.ts'
import { kick } from './kick.ts'
import { logErrors } from './log-errors.ts'
import {
  mailboxCreate,
  mailboxDelete,
  mailboxList,
  mailboxMutf7,
  mailboxRename,
  mailboxStatus,
  mailboxSubscribe,
  mailboxUnsubscribe,
} from './mail/mailbox.ts'
import {
  copy,
  expunge,
  fetch,
  flagsAdd,
  flagsRemove,
  flagsReplace,
  forceResync,
  importMail,
  move,
  save,
  search,
} from './mail/messages.ts'
import {
  altmove,
  cacheDecision,
  cachePurge,
  cacheRemove,
  metadataGet,
  metadataList,
  metadataSet,
  metadataUnset,
} from './mail/not-here.ts'
import { batchCommand } from './mail/batch.ts'
import { mailboxUpdate } from './mail/mailbox-update.ts'
import { quotaGet, quotaRecalc } from './mail/quota.ts'
import { deduplicate, index, mailboxPath, purge } from './mail/upkeep.ts'
import { user } from './mail/user.ts'
import { penalty } from './penalty.ts'
import { proxyBackends } from './proxy-backends.ts'
import { proxyKick } from './proxy-kick.ts'
import { proxyList } from './proxy-list.ts'
import { pw } from './pw-command.ts'
import { reload } from './reload.ts'
import { stop } from './stop.ts'
import { userAllow } from './user-allow.ts'
import { userRevoke } from './user-revoke.ts'
import { userRevoked } from './user-revoked.ts'
import { who } from './who.ts'

const batch = batchCommand([
  copy,
  deduplicate,
  expunge,
  fetch,
  flagsAdd,
  flagsRemove,
  flagsReplace,
  forceResync,
  importMail,
  index,
  mailboxCreate,
  mailboxDelete,
  mailboxList,
  mailboxPath,
  mailboxRename,
  mailboxStatus,
  mailboxSubscribe,
  mailboxUnsubscribe,
  mailboxUpdate,
  move,
  purge,
  quotaGet,
  quotaRecalc,
  save,
  search,
])

/** Every command of `postern doveadm`, by name. A new one is a file and a line here. */
export const doveadmCommands: readonly Command[] = [
  aclAdd,
  aclDebug,
  aclDelete,
  aclDiff,
  aclExplain,
  aclGet,
  aclRecalc,
  aclRemove,
  aclRights,
  aclSet,
  aclVerify,
  aclWhat,
  aclWho,
  altmove,
  authCacheFlush,
  authLookup,
  authTest,
  batch,
  copy,
  deduplicate,
  expunge,
  fetch,
  flagsAdd,
  flagsRemove,
  flagsReplace,
  forceResync,
  importMail,
  index,
  kick,
  logErrors,
  cacheDecision,
  cachePurge,
  cacheRemove,
  mailboxCreate,
  mailboxDelete,
  mailboxList,
  metadataGet,
  metadataList,
  metadataSet,
  metadataUnset,
  mailboxMutf7,
  mailboxPath,
  mailboxRename,
  mailboxStatus,
  mailboxSubscribe,
  mailboxUnsubscribe,
  mailboxUpdate,
  move,
  penalty,
  proxyBackends,
  proxyKick,
  proxyList,
  purge,
  pw,
  quotaGet,
  quotaRecalc,
  reload,
  save,
  search,
  stop,
  user,
  userAllow,
  userRevoke,
  userRevoked,
  who,
]
