import { checkpasswordUserdb } from './checkpassword.ts'
import { dictUserdb } from './dict.ts'
import { ldapUserdb } from './ldap.ts'
import { moduleUserdb } from './module.ts'
import { passwdFileUserdb } from './passwd-file.ts'
import { passwdUserdb } from './passwd.ts'
import { prefetchUserdb } from './prefetch.ts'
import { sqlUserdb } from './sql.ts'
import { staticUserdb } from './static.ts'
import type { UserdbDriver } from './userdb.ts'

/** Every kind of userdb. */
export const userdbDrivers = [
  checkpasswordUserdb,
  dictUserdb,
  ldapUserdb,
  moduleUserdb,
  passwdFileUserdb,
  passwdUserdb,
  prefetchUserdb,
  sqlUserdb,
  staticUserdb,
] as const satisfies readonly UserdbDriver[]
