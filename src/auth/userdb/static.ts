import { compileFields, type DatabaseField } from '../field-template.ts'
import { DatabaseConfigError, type DatabaseNeeds } from '../passdb/passdb.ts'
import { parseId } from '../userdb-field.ts'
import type { UserdbDriver, UserdbReply, UserdbRequest } from './userdb.ts'

/** `static`: the same fields for everybody, with %variables. Asks the passdbs whether the user exists, unless allow_all_users=yes. */
export const staticUserdb = {
  name: 'static',
  open(args, needs) {
    const all = compileFields(args, 'args')
    if (all.some(({ name }) => name === '')) {
      throw new DatabaseConfigError(`Invalid userdb template ${args} - key must not be empty`)
    }
    const allowAll = all.find(({ name }) => name === 'allow_all_users')
    const allowsAll = /^(yes)?$/i.test(allowAll?.source ?? (allowAll === undefined ? 'no' : ''))
    const fields = all.filter((field) => field !== allowAll)
    checkIds(fields, needs)
    const reply: UserdbReply = { kind: 'found', fields }
    return {
      lookup: (request) => (request.loggedIn || allowsAll ? reply : replyIfThere(request, reply)),
      check: () => Promise.resolve(undefined),
      close: () => Promise.resolve(),
    }
  },
} as const satisfies UserdbDriver

async function replyIfThere(request: UserdbRequest, reply: UserdbReply): Promise<UserdbReply> {
  switch (await request.userExists()) {
    case 'yes':
      return reply
    case 'no':
      return { kind: 'unknown' }
    case 'cannot-tell':
      return { kind: 'internal-failure', log: "passdb doesn't support lookups, can't verify user's existence" }
    default:
      return { kind: 'internal-failure', log: '' }
  }
}

/** Numbers and names without %variables must mean something now. */
function checkIds(fields: readonly DatabaseField[], needs: DatabaseNeeds): void {
  for (const { name, value } of fields) {
    if (
      (name === 'uid' || name === 'gid') &&
      typeof value === 'string' &&
      parseId(name, value, needs.ids) === undefined
    ) {
      throw new DatabaseConfigError(`static userdb: Invalid ${name}: ${value}`)
    }
  }
}
