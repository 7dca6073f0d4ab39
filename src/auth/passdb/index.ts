import { checkpasswordPassdb } from './checkpassword.ts'
import { dictPassdb } from './dict.ts'
import { imapPassdb } from './imap.ts'
import { ldapPassdb } from './ldap.ts'
import { modulePassdb } from './module.ts'
import { oauth2Passdb } from './oauth2.ts'
import { pamPassdb } from './pam.ts'
import { passwdFilePassdb } from './passwd-file.ts'
import type { PassdbDriver } from './passdb.ts'
import { passwdPassdb } from './passwd.ts'
import { shadowPassdb } from './shadow.ts'
import { sqlPassdb } from './sql.ts'
import { staticPassdb } from './static.ts'

/** Every kind of passdb. */
export const passdbDrivers = [
  checkpasswordPassdb,
  dictPassdb,
  imapPassdb,
  ldapPassdb,
  modulePassdb,
  oauth2Passdb,
  pamPassdb,
  passwdFilePassdb,
  passwdPassdb,
  shadowPassdb,
  sqlPassdb,
  staticPassdb,
] as const satisfies readonly PassdbDriver[]
