import { boolean, enumeration, list, string } from '../setting.ts'

const RESULTS = ['return-ok', 'return', 'return-fail', 'continue', 'continue-ok', 'continue-fail'] as const
const GO_ON = ['continue', 'return', 'return-ok', 'return-fail', 'continue-ok', 'continue-fail'] as const

/** A `passdb [NAME] {}` block. */
export const passdbRows = {
  name: string('', 'Label for logs.'),
  driver: string('', 'Kind of database: static, passwd-file, sql, ldap, oauth2 ...'),
  args: string('', 'What the driver needs, in its own notation.'),
  default_fields: string('', 'Fields set before the lookup, `key=value` separated by blanks.'),
  override_fields: string('', 'Fields set after the lookup.'),
  mechanisms: list('', 'SASL mechanisms this database is for; empty is all.'),
  username_filter: list('', 'Patterns of user names this database is for; `!` excludes.'),
  skip: enumeration(['never', 'authenticated', 'unauthenticated'], 'When the database is passed over.'),
  result_success: enumeration(RESULTS, 'What follows when the user was found and the password is right.'),
  result_failure: enumeration(GO_ON, 'What follows when not.'),
  result_internalfail: enumeration(GO_ON, 'What follows when the database failed.'),
  deny: boolean('no', 'Users found here cannot log in.'),
  pass: boolean('no', 'Old spelling of result_success = continue.'),
  master: boolean('no', 'Users found here are master users.'),
  auth_verbose: enumeration(['default', 'yes', 'no'], 'Log failures of this database.'),
} as const

/** A `userdb [NAME] {}` block. */
export const userdbRows = {
  name: string('', 'Label for logs.'),
  driver: string('', 'Kind of database: static, passwd-file, sql, ldap, prefetch ...'),
  args: string('', 'What the driver needs, in its own notation.'),
  default_fields: string('', 'Fields set before the lookup, `key=value` separated by blanks.'),
  override_fields: string('', 'Fields set after the lookup.'),
  skip: enumeration(['never', 'found', 'notfound'], 'When the database is passed over.'),
  result_success: enumeration(RESULTS, 'What follows when the user was found.'),
  result_failure: enumeration(GO_ON, 'What follows when not.'),
  result_internalfail: enumeration(GO_ON, 'What follows when the database failed.'),
  auth_verbose: enumeration(['default', 'yes', 'no'], 'Log failures of this database.'),
} as const
